import { endTestRun, nameTestRun } from './shared-postgres.ts';

/** vitest calls this once per run; what it returns is called at the end. */
export default async function setup(): Promise<() => Promise<void>> {
  if (process.env['BLINKCHAT_TEST_RUN_DIR'] !== undefined) return async () => undefined; // another project of the same run was first
  const dir = await nameTestRun();
  return async () => await endTestRun(dir);
}
