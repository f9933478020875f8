import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { CACHE, ROOT } from './paths.mjs';
import { capture } from './run.mjs';
import { saying } from './say.mjs';

const REMEMBERED = `${CACHE}/node-path`;

/** Node 22 from 22.19 runs TypeScript by stripping types, and has a build of uWebSockets.js; newer majors have none for every system. */
export function isSupported(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major === 22 && minor >= 19;
}

/** The path of a supported Node: this one, the one found before, or one from the npm registry. */
export async function findNode() {
  if (isSupported(process.version)) return process.execPath;
  const remembered = await readFile(REMEMBERED, 'utf8').catch(() => undefined);
  if (remembered !== undefined && (await isThere(remembered))) return remembered;

  const what = `Node ${process.version} is not one that BlinkChat runs on; getting Node 22 from npm`;
  // npx only finds the program: it passes no signals on, so nothing is run through it.
  const found = await saying(what, () =>
    capture('npx', ['-y', '-p', 'node@22', 'node', '-p', 'process.version + " " + process.execPath'], { cwd: ROOT }),
  );
  const [version = '', ...rest] = found.trim().split(' ');
  const path = rest.join(' ');
  if (!isSupported(version))
    throw new Error(`npm brought Node ${version}, but Node 22.19 or a later 22 is needed. Install it from nodejs.org.`);
  await mkdir(CACHE, { recursive: true });
  await writeFile(REMEMBERED, path);
  return path;
}

async function isThere(path) {
  return await access(path).then(
    () => true,
    () => false,
  );
}
