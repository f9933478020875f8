import { setTimeout as delay } from 'node:timers/promises';
import { type DatabaseAddress, openPool, type Pool } from './database.ts';

/** Any number, as long as all of our processes use the same. */
const OWNER_LOCK = 7_223_002;
/** A homeserver that is stopping may take this long; PostgreSQL needs a moment to notice that a killed one is gone. */
const PATIENCE_MS = 12_000;
const RETRY_MS = 100;

/** The right to be the only homeserver on a database. Rooms are kept in memory: two writers would corrupt them. */
export type Ownership = AsyncDisposable & {
  /** Gives the database free for the next process. */
  release(): Promise<void>;
};

/**
 * Claims a database with an advisory lock on a connection of its own.
 *
 * @param onLost called when the connection is lost and the lock could not be claimed again at once: another process may own it now
 * @throws when another homeserver holds the database
 */
export async function ownDatabase(address: DatabaseAddress, onLost: () => void): Promise<Ownership> {
  let released = false;
  let connection: Pool | undefined;

  async function claim(): Promise<void> {
    const candidate = openPool(address, { maxConnections: 1, permanent: true, onClose: () => void reclaim(candidate) });
    const deadline = Date.now() + PATIENCE_MS;
    try {
      while (!(await tryLock(candidate))) {
        if (Date.now() > deadline) throw new Error('Another BlinkChat homeserver is running on this database. Stop it first.');
        await delay(RETRY_MS);
      }
      connection = candidate;
    } catch (error) {
      await candidate.end({ timeout: 1 });
      throw error;
    }
  }

  async function reclaim(lost: Pool): Promise<void> {
    if (released || lost !== connection) return;
    connection = undefined;
    await lost.end({ timeout: 1 }).catch(() => undefined);
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const failure = await claim().catch((error: unknown) => error);
      if (failure === undefined || released) return;
      if (Date.now() > deadline) return onLost();
      await delay(RETRY_MS);
    }
  }

  async function release(): Promise<void> {
    released = true;
    await connection?.end({ timeout: 1 });
  }

  await claim();
  return { release, [Symbol.asyncDispose]: release };
}

async function tryLock(connection: Pool): Promise<boolean> {
  const [row] = await connection<{ locked: boolean }[]>`select pg_try_advisory_lock(${OWNER_LOCK}) as locked`;
  return row?.locked ?? false;
}
