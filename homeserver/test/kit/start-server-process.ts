import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createCleanup } from './cleanup.ts';
import { freePort } from './free-port.ts';
import { createTestDatabase } from './shared-postgres.ts';
import { createNames, registerTestUser, type TestUser } from './test-user.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const START_TIMEOUT_MS = 60_000;

export type ServerProcessOptions = {
  /** Environment variables, as an operator would set them. */
  env?: Readonly<Record<string, string>>;
  /** Use the embedded PostgreSQL in the data folder instead of a database of the test run. */
  embedded?: boolean;
};

export type ServerProcess = AsyncDisposable & {
  url: string;
  name: string;
  dataDir: string;
  pid(): number;
  /** What it wrote to standard error since it last started. */
  log(): string;
  user(localpart: string): Promise<TestUser>;
  /** Sends a signal and resolves with the exit code, or the signal that ended it. */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | string>;
  /** Starts it again, after `end`, on the same data and port. */
  start(): Promise<void>;
};

/** A homeserver in a process of its own, for tests that kill it. */
export async function startServerProcess({ env = {}, embedded = false }: ServerProcessOptions = {}): Promise<ServerProcess> {
  const cleanup = createCleanup();
  const dataDir = await mkdtemp(join(tmpdir(), 'bct-data-'));
  await chmod(dataDir, 0o711); // PostgreSQL runs as another user when we are root
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
  const database = embedded ? undefined : cleanup.use(await createTestDatabase());
  const port = await freePort();
  const settings: Record<string, string> = {
    BLINKCHAT_SERVER_NAME: 'hs.test',
    BLINKCHAT_PORT: String(port),
    BLINKCHAT_PUBLIC_URL: `http://127.0.0.1:${port}`,
    BLINKCHAT_DATA_DIR: dataDir,
    BLINKCHAT_REGISTRATION: 'open',
    BLINKCHAT_RATE_LIMITS: 'off',
    BLINKCHAT_PASSWORD_COST: '4',
    BLINKCHAT_OUTBOUND_ALLOW: '127.0.0.0/8,::1/128',
    BLINKCHAT_LOG_LEVEL: 'warn',
    ...(database === undefined ? {} : { DATABASE_URL: database.url }),
    ...env,
  };
  const url = `http://127.0.0.1:${port}`;
  let running: { child: ChildProcess; log: string } | undefined;

  async function start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN], { env: { PATH: process.env['PATH'], ...settings }, stdio: ['ignore', 'pipe', 'pipe'] });
    const current = { child, log: '' };
    running = current;
    child.stderr.on('data', (chunk: Buffer) => {
      current.log += chunk.toString();
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), START_TIMEOUT_MS);
    const ready = await untilReady(child);
    clearTimeout(timer);
    if (!ready) throw new Error(`the homeserver did not start:\n${current.log}`);
  }

  async function end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | string> {
    const child = running?.child;
    running = undefined;
    if (child === undefined) return 0;
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
    }
    return child.exitCode ?? child.signalCode ?? 0;
  }

  cleanup.defer(async () => {
    await end('SIGTERM');
  });
  await cleanup.guard(start);
  const nameOf = createNames();
  return {
    url,
    name: settings['BLINKCHAT_SERVER_NAME'] ?? 'hs.test',
    dataDir,
    pid: () => running?.child.pid ?? 0,
    log: () => running?.log ?? '',
    user: (localpart) => registerTestUser(url, nameOf(localpart)),
    end,
    start,
    [Symbol.asyncDispose]: cleanup.run,
  };
}

/** Resolves with `true` at the ready line, `false` when the process ends before it. */
async function untilReady(child: ChildProcess): Promise<boolean> {
  if (child.stdout === null) return false;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('BlinkChat ready:')) {
      child.stdout.resume();
      return true;
    }
  }
  return false;
}
