import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Database } from '../../../storage/database.ts';
import {
  type ConnectionName,
  deleteSlidingConnections,
  deleteUnusedSlidingConnections,
  findSlidingConnection,
  type SlidingConnectionRow,
  upsertSlidingConnections,
} from '../../../storage/sliding-connections.ts';
import type { Connection } from './connection.ts';
import { readPositions, writePositions } from './connection-text.ts';

/** How often it is looked for what is to be written, and how long one that was written is left alone. */
const SWEEP_EVERY_MS = 30_000;
const SAVE_EVERY_MS = 300_000;
/** For how many connections it is remembered when they were written. */
const MAX_REMEMBERED = 50_000;
/** Connections written by one statement, and by one sweep. */
const CHUNK = 50;
const MAX_PER_SWEEP = 200;
/** How long the end of the server may be held up by writing the rest. */
const STOP_BUDGET_MS = 3_000;
/** A connection nobody used for so long is forgotten. */
const KEEP_MS = 30 * 86_400_000;
const PRUNE_EVERY_MS = 86_400_000;

/** Writes down what clients know, now and then, and all of it when the server ends in order. Never in the way of a request. */
export type KeepConnections = {
  /** What was written of a connection, which may be older than what its client knows by now. */
  find: (name: ConnectionName) => Promise<Connection | undefined>;
  /** A connection has gone on. */
  changed: (connection: Connection) => void;
  /** A connection is held in memory no longer: what was written of it stays. */
  dropped: (name: ConnectionName) => void;
  /** A connection is over. */
  ended: (name: ConnectionName) => void;
  stop: () => Promise<void>;
};

type Deps = { database: Database; clock: Clock; logger: Logger };

export function createKeepConnections({ database, clock, logger }: Deps): KeepConnections {
  const { sql, lazySql } = database;
  const waiting = new Map<string, Connection>();
  const over = new Map<string, ConnectionName>();
  const savedAt = new LRUCache<string, number>({ max: MAX_REMEMBERED });
  let prunedAt = 0;
  let running: Promise<void> = Promise.resolve();

  async function write(connections: readonly Connection[]): Promise<void> {
    const now = clock.now();
    for (const connection of connections) {
      waiting.delete(keyOf(connection));
      savedAt.set(keyOf(connection), now);
    }
    await upsertSlidingConnections(lazySql, connections.map(toRow), now);
  }

  async function sweep(): Promise<void> {
    const ended = [...over.values()];
    over.clear();
    await deleteSlidingConnections(lazySql, ended);
    const now = clock.now();
    const due = [...waiting.values()].filter((connection) => (savedAt.get(keyOf(connection)) ?? 0) + SAVE_EVERY_MS <= now);
    for (let start = 0; start < Math.min(due.length, MAX_PER_SWEEP); start += CHUNK) await write(due.slice(start, start + CHUNK));
    if (now - prunedAt < PRUNE_EVERY_MS) return;
    prunedAt = now;
    await deleteUnusedSlidingConnections(lazySql, now - KEEP_MS);
  }

  const timer = setInterval(() => {
    running = running.then(sweep).catch((error: unknown) => logger.warn({ err: error }, 'connections of sliding sync were not written'));
  }, SWEEP_EVERY_MS).unref();

  return {
    find: async (name) => {
      if (over.has(keyOf(name))) return undefined;
      const row = await findSlidingConnection(sql, name);
      const positions = row === undefined ? undefined : readPositions(row.positions);
      return row === undefined || positions === undefined ? undefined : { ...row, positions };
    },
    changed: (connection) => {
      over.delete(keyOf(connection));
      waiting.set(keyOf(connection), connection);
    },
    dropped: (name) => void waiting.delete(keyOf(name)),
    ended: ({ userNid, deviceId, connId }) => {
      const name = { userNid, deviceId, connId };
      waiting.delete(keyOf(name));
      over.set(keyOf(name), name);
    },
    stop: async () => {
      clearInterval(timer);
      await running;
      const rest = [...waiting.values()].reverse();
      const until = performance.now() + STOP_BUDGET_MS;
      for (let start = 0; start < rest.length && performance.now() < until; start += CHUNK) await write(rest.slice(start, start + CHUNK));
    },
  };
}

export function keyOf({ userNid, deviceId, connId }: ConnectionName): string {
  return `${userNid} ${deviceId} ${connId}`;
}

function toRow({ positions, ...connection }: Connection): SlidingConnectionRow {
  return { ...connection, positions: writePositions(positions) };
}
