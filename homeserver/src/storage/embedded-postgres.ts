import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, lchown, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseAddress } from './database.ts';
import { choosePostgresPlaces, type PostgresOwner } from './postgres-places.ts';
import { findPostgresPrograms, type PostgresPrograms } from './postgres-programs.ts';

/** The port only names the socket file: nothing listens on TCP. */
const PORT = 5432;
const USER = 'blinkchat';
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
/** How long a program that was just launched may take to write its pid. */
const LAUNCH_GRACE_MS = 5_000;
/** The line of postmaster.pid that says `starting`, `ready` or `stopping`. */
const STATUS_LINE = 7;
const POLL_MS = 25;

export type EmbeddedPostgres = {
  address: DatabaseAddress & { kind: 'socket' };
  clusterDir: string;
  /** The postmaster. */
  pid: number;
  /** It was already running: a homeserver before us was killed and left it behind. */
  adopted: boolean;
  /** What a person should know about where the cluster was put; usually nothing. */
  remarks: string[];
  /** Shuts the cluster down in order; resolves when it has written everything and ended. */
  stop(): Promise<void>;
};

export type EmbeddedPostgresOptions = {
  /** The homeserver's data folder. */
  dataDir: string;
  /** Further settings of postgresql.conf. */
  settings?: Readonly<Record<string, string>>;
  /** Said before the first start, which has to make the cluster. */
  onCreate?: () => void;
};

/**
 * Runs a real PostgreSQL of our own in the data folder, reached through a unix socket.
 *
 * 1. Find the programs, and places that the user PostgreSQL runs as can reach.
 * 2. If `postmaster.pid` names a live postmaster of this cluster, adopt it; if that one is shutting down, wait until it is gone.
 * 3. Otherwise make the cluster when there is none, and start it in a session of its own: a Ctrl-C in our terminal is
 *    for us, who then stop it in order.
 */
export async function startEmbeddedPostgres({ dataDir, settings = {}, onCreate }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  // 1.
  await mkdir(dataDir, { recursive: true });
  const places = await choosePostgresPlaces(resolve(dataDir));
  const programs = await findPostgresPrograms(places.owner);
  const address = { kind: 'socket', directory: places.socketDir, port: PORT, user: USER, password: '', database: 'postgres' } as const;
  const cluster: Cluster = { dir: places.clusterDir, socketDir: places.socketDir, owner: places.owner, programs };
  await makePrivate(cluster.socketDir, cluster.owner);

  // 2.
  const adopted = (await findPostmaster(cluster)) !== undefined && (await waitUntilReady(cluster)) === 'ready';

  // 3.
  if (!adopted) {
    if (!(await isFile(join(cluster.dir, 'PG_VERSION')))) {
      onCreate?.();
      await initialise(cluster);
    }
    await rm(join(cluster.socketDir, `.s.PGSQL.${PORT}`), { force: true });
    await launch(cluster, settings);
    if ((await waitUntilReady(cluster)) === 'gone') throw await startFailure(cluster);
  }
  const pid = await findPostmaster(cluster);
  if (pid === undefined) throw await startFailure(cluster);
  return { address, clusterDir: cluster.dir, pid, adopted, remarks: places.remarks, stop: () => stopCluster(cluster) };
}

type Cluster = { dir: string; socketDir: string; owner: PostgresOwner | undefined; programs: PostgresPrograms };

/** Makes the cluster beside its place and moves it there whole: a start that is killed half-way leaves nothing behind that looks done. */
async function initialise({ dir, owner, programs }: Cluster): Promise<void> {
  const draft = `${dir}.new`;
  await rm(draft, { recursive: true, force: true });
  const maker = owner === undefined ? undefined : await findNamedUser();
  await makePrivate(draft, maker);
  const args = ['-D', draft, '-U', USER, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-instructions'];
  const child = spawn(programs.initdb, args, { ...maker, cwd: draft, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`PostgreSQL could not make its cluster in ${draft}:\n${said}`);
  if (owner !== undefined) await giveTo(owner, draft);
  await rename(draft, dir);
}

/** `initdb`, unlike the server, insists that the number it runs as has a name. Any account will do that is not root's. */
async function findNamedUser(): Promise<PostgresOwner> {
  const accounts = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid, gid }) => uid > 0 && gid >= 0);
  const account = accounts.find(({ name }) => name === 'nobody') ?? accounts[0];
  if (account === undefined)
    throw new Error('PostgreSQL refuses to run as root, and /etc/passwd names no other account. Set DATABASE_URL.');
  return { uid: account.uid, gid: account.gid };
}

async function giveTo(owner: PostgresOwner, folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true });
  for (const entry of ['', ...entries]) await lchown(join(folder, entry), owner.uid, owner.gid);
}

async function launch({ dir, socketDir, owner, programs }: Cluster, settings: Readonly<Record<string, string>>): Promise<void> {
  const options = { listen_addresses: '', unix_socket_directories: socketDir, unix_socket_permissions: '0700', ...TUNING, ...settings };
  const args = ['-D', dir, '-p', String(PORT), ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const log = await open(logOf(dir), 'a');
  try {
    const child = spawn(programs.postgres, args, { ...owner, cwd: dir, detached: true, stdio: ['ignore', log.fd, log.fd] });
    await once(child, 'spawn');
    child.unref();
  } finally {
    await log.close();
  }
}

/** Small enough for a laptop, and no less durable than the defaults. */
const TUNING = {
  shared_buffers: '128MB',
  max_connections: '100',
  max_wal_size: '1GB',
  checkpoint_timeout: '15min',
  log_min_messages: 'warning',
  // Neither the values that were refused nor the rows they stood in.
  log_error_verbosity: 'terse',
  timezone: 'UTC',
};

/** The pid of the live postmaster of this cluster. Its file may be left over from a machine that lost power. */
async function findPostmaster(cluster: Cluster): Promise<number | undefined> {
  const file = join(cluster.dir, 'postmaster.pid');
  const written = await readFile(file, 'utf8').catch(() => undefined);
  const pid = Number.parseInt(written?.split('\n')[0] ?? '', 10);
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  if (!isAlive(pid)) return undefined; // PostgreSQL itself clears the file of a dead postmaster
  if (await isPostgres(pid)) return pid;
  await rm(file, { force: true }); // the number was given to another program since: certainly not our postmaster
  return undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function isPostgres(pid: number): Promise<boolean> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  return commandLine === undefined || commandLine.includes('postgres'); // no /proc: believe the file
}

/** Waits for a postmaster that was started, by us or before us: until it takes connections, or has ended. */
async function waitUntilReady(cluster: Cluster): Promise<'ready' | 'gone'> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  const graceEnd = Date.now() + LAUNCH_GRACE_MS;
  let seen = false;
  while (Date.now() < deadline) {
    const running = (await findPostmaster(cluster)) !== undefined;
    seen ||= running;
    if (!running && (seen || Date.now() > graceEnd)) return 'gone';
    const status = (await readFile(join(cluster.dir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')[STATUS_LINE]?.trim();
    if (status === 'ready' && (await accepts(join(cluster.socketDir, `.s.PGSQL.${PORT}`)))) return 'ready';
    await delay(POLL_MS);
  }
  throw await startFailure(cluster);
}

async function startFailure({ dir }: Cluster): Promise<Error> {
  const log = await readFile(logOf(dir), 'utf8').catch(() => '');
  return new Error(`PostgreSQL did not start in ${dir}. The end of its log (${logOf(dir)}):\n${log.slice(-2000)}`);
}

async function accepts(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function stopCluster(cluster: Cluster): Promise<void> {
  const pid = await findPostmaster(cluster);
  if (pid === undefined) return;
  process.kill(pid, 'SIGINT'); // "fast": ends the connections, writes a checkpoint
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (await isRunning(cluster, pid)) {
    if (Date.now() > deadline) throw new Error(`PostgreSQL (pid ${pid}) did not stop within ${STOP_TIMEOUT_MS} ms`);
    await delay(POLL_MS);
  }
}

async function isRunning(cluster: Cluster, pid: number): Promise<boolean> {
  return isAlive(pid) && (await findPostmaster(cluster)) === pid;
}

async function makePrivate(directory: string, owner: PostgresOwner | undefined): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  if (owner !== undefined) await chown(directory, owner.uid, owner.gid);
}

async function isFile(path: string): Promise<boolean> {
  const handle = await open(path).catch(() => undefined);
  await handle?.close();
  return handle !== undefined;
}

function logOf(clusterDir: string): string {
  return join(dirname(clusterDir), 'postgres.log');
}
