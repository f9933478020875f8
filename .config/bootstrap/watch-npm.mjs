import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** npm runs scripts through a shell, and a shell may stand between. */
const MAX_STEPS = 3;

/**
 * Finds the npm process that started us, and returns a function that tells whether it is gone. A process whose parent dies gets another
 * parent, even while the dead one is not yet buried: so the link is watched, not the process. Always `false` without npm.
 */
export async function watchNpm() {
  let child = process.pid;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const parent = await parentOf(child);
    if (parent === undefined || parent.pid <= 1) break;
    if (/(?:^|[\s/])npm(?:-cli\.js)?(?:\s|$)/.test(parent.command)) {
      const watched = child;
      return async () => (await parentOf(watched))?.pid !== parent.pid;
    }
    child = parent.pid;
  }
  return async () => false;
}

async function parentOf(pid) {
  const parentPid = await parentPidOf(pid);
  return parentPid === undefined ? undefined : { pid: parentPid, command: await commandOf(parentPid) };
}

async function parentPidOf(pid) {
  if (pid === process.pid) return process.ppid;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat !== undefined) return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  return Number(await ps(pid, 'ppid')) || undefined;
}

async function commandOf(pid) {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  return command?.replaceAll('\0', ' ') ?? (await ps(pid, 'args'));
}

/** For systems without /proc. */
async function ps(pid, column) {
  const { stdout } = await promisify(execFile)('ps', ['-o', `${column}=`, '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim();
}
