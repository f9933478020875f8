import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { CACHE } from './paths.mjs';
import { say } from './say.mjs';

const POLL_MS = 200;

/** Does something that only one process may do at a time: several homeservers are started from one checkout. */
export async function withLock(name, work) {
  const lock = `${CACHE}/${name}.lock`;
  const holder = `${lock}/pid`;
  await mkdir(CACHE, { recursive: true });
  let told = false;
  while (!(await take(lock, holder))) {
    if (!told) say(`Waiting for another process to finish (${name}) …`);
    told = true;
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function take(lock, holder) {
  try {
    await mkdir(lock);
    await writeFile(holder, String(process.pid));
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  const pid = Number(await readFile(holder, 'utf8').catch(() => ''));
  if (pid > 0 && !isAlive(pid)) await rm(lock, { recursive: true, force: true }); // its holder was killed
  return false;
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
