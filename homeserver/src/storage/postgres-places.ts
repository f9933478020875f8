import { createHash } from 'node:crypto';
import { chmod, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Who PostgreSQL runs as when we are root, which it refuses. No account of this number needs to exist. */
export type PostgresOwner = { uid: number; gid: number };
const STAND_IN: PostgresOwner = { uid: 64_008, gid: 64_008 };

/** Where root puts what the stand-in must reach. */
export const ROOT_FOLDER = '/var/lib/blinkchat-postgres';

/** The longest path of a unix socket, `sun_path` less its final NUL; macOS allows four fewer. */
const MAX_SOCKET_PATH_BYTES = 103;
const SOCKET_NAME = '.s.PGSQL.5432';

export type PostgresPlaces = { clusterDir: string; socketDir: string; owner: PostgresOwner | undefined; remarks: string[] };

/**
 * Decides where the cluster and its socket live: in the data folder, unless the user PostgreSQL runs as cannot get there (a home of
 * mode 700) or the socket's path would be too long. Always the same for the same data folder.
 */
export async function choosePostgresPlaces(dataDir: string): Promise<PostgresPlaces> {
  const owner = process.getuid?.() === 0 ? STAND_IN : undefined;
  const remarks: string[] = [];
  const short = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);

  let base = dataDir;
  if (owner !== undefined) {
    await mkdir(ROOT_FOLDER, { recursive: true, mode: 0o755 });
    await chmod(ROOT_FOLDER, 0o755);
    if (!(await canReach(owner, dataDir))) {
      base = join(ROOT_FOLDER, short);
      await mkdir(base, { recursive: true, mode: 0o755 });
      remarks.push(`PostgreSQL runs as uid ${owner.uid}, which cannot reach ${dataDir}: the database is in ${base}. Back it up too.`);
    }
  }

  let socketDir = join(base, 'postgres-socket');
  if (Buffer.byteLength(join(socketDir, SOCKET_NAME)) > MAX_SOCKET_PATH_BYTES) {
    socketDir = join(owner === undefined ? tmpdir() : ROOT_FOLDER, `blinkchat-${short}`);
    remarks.push(`The path of ${base} is too long for a socket: PostgreSQL's socket is in ${socketDir}.`);
  }
  return { clusterDir: join(base, 'postgres'), socketDir, owner, remarks };
}

/** Whether a user who owns nothing may pass through every folder on the way to a path. */
export async function canReach(user: PostgresOwner, path: string): Promise<boolean> {
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
