import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { isDataError } from '../../storage/database-errors.ts';
import { findFollowerCursor, saveFollowerCursor } from '../../storage/follower-cursors.ts';
import type { Log } from './log.ts';
import type { Notifier } from './notifier.ts';

/** The cursor is saved at most this often: a lost one only replays. */
const SAVE_EVERY_MS = 1_000;
/** How long a follower rests after it failed, at first and at most. */
const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 30_000;
/** How often what stands at one position is tried that cannot be handled for what it is, before it is left out. */
const MAX_TRIES_OF_ONE = 4;

export type Follower = {
  /** How far it has come. */
  position: () => number;
  /** Lets the step under way end and saves the cursor. */
  stop: () => Promise<void>;
};

type Deps = { database: Database; log: Log; notifier: Notifier; logger: Logger };

type Spec = {
  name: string;
  /** Where a follower that never ran begins: with everything, or with what comes. */
  startsAt: 'beginning' | 'now';
  /**
   * Handles positions in (after, upTo]. Must be idempotent: after a crash it sees some of them again. Throwing repeats the step; what fails for
   * what it is, and not because the database is away, is looked for by halves and left out after some tries, so that it does not stop the rest.
   */
  handle: (range: { after: number; upTo: number }) => Promise<void>;
  /** Writes what `handle` still keeps in memory. Called before a cursor is saved, which then vouches for it. */
  beforeSave?: () => Promise<void>;
};

/** Follows the log by a stored cursor, one step at a time. */
export async function createFollower(
  { database, log, notifier, logger }: Deps,
  { name, startsAt, handle, beforeSave }: Spec,
): Promise<Follower> {
  const stored = await findFollowerCursor(database.sql, name);
  let cursor = stored ?? (startsAt === 'now' ? log.position() : 0);
  // Where a follower begins that has never run is written down at once: after a crash, `now` would be later.
  if (stored === undefined) await saveFollowerCursor(database.sql, name, cursor);
  let saved = cursor;
  let running: Promise<void> | undefined;
  let saveTimer: NodeJS.Timeout | undefined;
  const stopping = new AbortController();

  async function run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    let stride = Number.POSITIVE_INFINITY;
    let triesOfOne = 0;
    while (cursor < log.position() && !stopping.signal.aborted) {
      const upTo = Math.min(log.position(), cursor + stride);
      try {
        await handle({ after: cursor, upTo });
        goTo(upTo);
        retryMs = FIRST_RETRY_MS;
        triesOfOne = 0;
        stride *= 2;
      } catch (error) {
        logger.error({ err: error, follower: name, after: cursor, upTo }, 'a follower of the log failed; it will try again');
        if (isOfContent(error) && upTo - cursor > 1) {
          stride = Math.ceil((upTo - cursor) / 2);
          continue;
        }
        if (isOfContent(error)) triesOfOne += 1;
        if (triesOfOne >= MAX_TRIES_OF_ONE) {
          logger.error({ err: error, follower: name, position: upTo }, 'a follower of the log leaves out what it cannot handle');
          goTo(upTo);
          triesOfOne = 0;
          continue;
        }
        await delay(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    }
  }

  function goTo(position: number): void {
    cursor = position;
    saveTimer ??= setTimeout(() => void save(), SAVE_EVERY_MS);
  }

  async function save(): Promise<void> {
    saveTimer = undefined;
    if (cursor === saved) return;
    const position = cursor;
    try {
      await beforeSave?.();
      await saveFollowerCursor(database.lazySql, name, position);
      saved = position;
    } catch (error) {
      logger.warn({ err: error, follower: name }, 'the cursor of a follower could not be saved; a restart would replay');
    }
  }

  function wake(): void {
    if (running !== undefined || stopping.signal.aborted) return;
    running = run().finally(() => {
      running = undefined;
      if (cursor < log.position()) wake();
    });
  }

  notifier.onCommit(wake);
  wake();

  return {
    position: () => cursor,
    stop: async () => {
      stopping.abort();
      clearTimeout(saveTimer);
      await running;
      await save();
    },
  };
}

/** Whether the same would fail again: the database refuses a value, or code of ours stumbles over one. */
function isOfContent(error: unknown): boolean {
  return isDataError(error) || error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
}
