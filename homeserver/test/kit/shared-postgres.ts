import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type DatabaseAddress, openPool } from '../../src/storage/database.ts';
import { startEmbeddedPostgres } from '../../src/storage/embedded-postgres.ts';
import { migrate } from '../../src/storage/migrate.ts';

/** The folder of one test run. Set by the run's global setup; tests in other processes find the same PostgreSQL by it. */
const RUN_DIR = 'BLINKCHAT_TEST_RUN_DIR';
/** The process at whose end the run's PostgreSQL is to end. */
const RUN_PID = 'BLINKCHAT_TEST_RUN_PID';
const TEMPLATE = 'blinkchat_template';
const LOCK_POLL_MS = 25;
const LOCK_PATIENCE_MS = 120_000;

/** Names the folder of this run and the process it belongs to. Nothing is started: that happens when a test first needs a database. */
export async function nameTestRun(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'bct-')); // short: a socket's path may have 103 bytes
  await chmod(dir, 0o711); // PostgreSQL runs as another user when we are root
  process.env[RUN_DIR] = dir;
  process.env[RUN_PID] = String(process.pid);
  return dir;
}

/** Stops what the run started and removes its folder. */
export async function endTestRun(dir: string): Promise<void> {
  if (await isThere(join(dir, 'postgres', 'PG_VERSION'))) {
    const embedded = await startEmbeddedPostgres({ dataDir: dir });
    await embedded.stop();
  }
  await rm(dir, { recursive: true, force: true });
}

export type TestDatabase = AsyncDisposable & { address: DatabaseAddress & { kind: 'socket' }; url: string };

/** A fresh, migrated database inside the run's one PostgreSQL. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = await shared();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = openPool(server, { maxConnections: 1 });
  try {
    await admin.unsafe(`create database ${name} template ${TEMPLATE}`);
  } finally {
    await admin.end();
  }
  const address = { ...server, database: name };
  const drop = async () => {
    const remover = openPool(server, { maxConnections: 1 });
    await remover.unsafe(`drop database if exists ${name} with (force)`);
    await remover.end();
  };
  return { address, url: urlOf(address), [Symbol.asyncDispose]: drop };
}

/** A connection string, as an operator would write it. */
function urlOf({ directory, port, user, database }: DatabaseAddress & { kind: 'socket' }): string {
  return `postgres://${user}@/${database}?${new URLSearchParams({ host: directory, port: String(port) })}`;
}

let starting: Promise<DatabaseAddress & { kind: 'socket' }> | undefined;

function shared(): Promise<DatabaseAddress & { kind: 'socket' }> {
  starting ??= start();
  return starting;
}

async function start(): Promise<DatabaseAddress & { kind: 'socket' }> {
  const dir = process.env[RUN_DIR] ?? (await nameTestRun());
  return await withLock(join(dir, 'lock'), async () => {
    const settings = { max_connections: '500', shared_buffers: '64MB', max_wal_size: '2GB' };
    const { address, adopted, pid } = await startEmbeddedPostgres({ dataDir: dir, settings });
    if (!adopted) {
      guard(dir, pid);
      await createTemplate(address);
    }
    return address;
  });
}

async function createTemplate(server: DatabaseAddress & { kind: 'socket' }): Promise<void> {
  const admin = openPool(server, { maxConnections: 1 });
  await admin.unsafe(`create database ${TEMPLATE}`);
  await admin.end();
  const template = openPool({ ...server, database: TEMPLATE }, { maxConnections: 1 });
  await migrate(template);
  await template.end();
}

/** Ends PostgreSQL when the test run is gone, even if it was killed. */
function guard(dir: string, postmasterPid: number): void {
  const runPid = process.env[RUN_PID] ?? String(process.pid);
  const script = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; kill -INT "$2" 2>/dev/null; sleep 2; rm -rf "$3"';
  spawn('sh', ['-c', script, 'guard', runPid, String(postmasterPid), dir], { detached: true, stdio: 'ignore' }).unref();
}

async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + LOCK_PATIENCE_MS;
  for (;;) {
    try {
      await mkdir(path);
      await writeFile(join(path, 'pid'), String(process.pid));
      break;
    } catch {
      if (Date.now() > deadline) throw new Error(`${path} was never given free`);
      await delay(LOCK_POLL_MS);
    }
  }
  try {
    return await work();
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
