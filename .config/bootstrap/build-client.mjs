import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { CACHE, ROOT } from './paths.mjs';
import { runForeground } from './run.mjs';
import { saying } from './say.mjs';

const CLIENT = `${ROOT}/client`;
const DIST = `${CLIENT}/dist`;
const STAMP = `${DIST}/.stamp`;
/** Everything the built client is made of. */
const SOURCES = [
  'client/src',
  'client/public',
  'client/build',
  'client/index.html',
  'client/vite.config.ts',
  'federation-spec/src',
  'package-lock.json',
];

/** Builds the web client, unless it was built from exactly these sources. */
export async function buildClient(node) {
  if (!(await isThere(`${CLIENT}/src/main.ts`))) return;
  if (await isFresh()) return;
  await withLock('client', async () => {
    if (await isFresh()) return; // another process did it meanwhile
    await saying('Building the web client', () => build(node));
  });
}

async function isFresh() {
  const stamp = await readFile(STAMP, 'utf8').catch(() => undefined);
  return stamp !== undefined && stamp === (await hashSources());
}

/** Builds beside and moves into place: a homeserver that serves the old build meanwhile never sees half a new one. */
async function build(node) {
  const hash = await hashSources();
  const draft = `${CACHE}/client-dist`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(CACHE, { recursive: true });
  const args = [
    `${ROOT}/node_modules/vite/bin/vite.js`,
    'build',
    '--outDir',
    '../.cache/client-dist',
    '--emptyOutDir',
    '--logLevel',
    'warn',
  ];
  const code = await runForeground(node, { steps: [{ args, cwd: CLIENT }] });
  if (code !== 0) throw new Error('The web client could not be built.');
  await writeFile(`${draft}/.stamp`, hash);
  await rm(DIST, { recursive: true, force: true });
  await rename(draft, DIST);
}

async function hashSources() {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    for (const file of await listFiles(join(ROOT, source)))
      hash
        .update(file)
        .update('\0')
        .update(await readFile(file))
        .update('\0');
  }
  return hash.digest('hex');
}

async function listFiles(path) {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch((error) =>
    error.code === 'ENOTDIR' ? undefined : [],
  );
  if (entries === undefined) return [path];
  return entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

async function isThere(path) {
  return await access(path).then(
    () => true,
    () => false,
  );
}
