const CHECK_MS = 1_000;

/**
 * Calls `onGone` once the process that started us has vanished without telling us (killed, crashed), so that no server is left behind
 * that nobody can stop. Does nothing when no parent is named.
 */
export function watchParent(parentPid: string | undefined, onGone: () => void): void {
  const pid = Number(parentPid);
  if (parentPid === undefined || !Number.isInteger(pid)) return;
  const timer = setInterval(() => {
    if (process.ppid === pid) return;
    clearInterval(timer);
    onGone();
  }, CHECK_MS);
  timer.unref();
}
