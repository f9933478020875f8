import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { isConnectionError, isDataError } from '../../storage/database-errors.ts';
import { writeEventBatch } from '../../storage/events.ts';
import { type LogHead, loadLogHead } from '../../storage/log-head.ts';
import { type Committed, type LogBatch, type LoggedEvent, reduceHeads, reduceMemberships, reduceStateChanges } from './log-batch.ts';

/** Most rows in one transaction. */
const MAX_BATCH_ROWS = 512;
/** Most event bytes in one transaction. */
const MAX_BATCH_BYTES = 1_000_000;
/** Most submissions that may wait; beyond it `append` refuses, which the edge tells as a server that is busy. */
const MAX_QUEUED = 20_000;
/** How often, and how far apart, a batch whose connection broke is looked up and written again. */
const RECONNECT_ATTEMPTS = 60;
const RECONNECT_DELAY_MS = 500;

/** What was appended builds on an event that is not in the log; nothing is written. Load the room anew and make the event again. */
export class RefusedBasis extends Error {
  constructor() {
    super('the event builds on one that the log refused, or on a room that memory has let go');
  }
}

export type Log = {
  /** Resolves after the commit, with the positions given. Rejects, with nothing written, when the batch could not be. */
  append: (batch: LogBatch) => Promise<{ from: number; to: number }>;
  /** The last committed position. */
  position: () => number;
  /** Called with the rooms whose events were refused: what memory holds of them is wrong. */
  onRoomsFailed: (listener: (roomNids: ReadonlySet<number>) => void) => void;
  /** Resolves when everything appended so far is committed or refused. */
  drained: () => Promise<void>;
};

type Submission = {
  order: number;
  batch: LogBatch;
  rooms: ReadonlySet<number>;
  from: number;
  to: number;
  resolve: (positions: { from: number; to: number }) => void;
  reject: (error: unknown) => void;
};

type Deps = {
  database: Database;
  head: LogHead;
  logger: Logger;
  /** Called, in order, for each batch as soon as it is committed and before its appenders hear of it. */
  committed: (committed: Committed) => void;
  /** Called when another process has taken the log: nothing may be written any more. */
  lost: () => void;
};

/**
 * The one door into the log. It collects what is appended while the previous batch is being written (exactly one is in flight) and
 * writes it in one transaction: one fsync for all of it. Only it gives out positions, so no reader can skip a row that commits late.
 */
export function createLog({ database, head, logger, committed, lost }: Deps): Log {
  const queue: Submission[] = [];
  const failureListeners: ((roomNids: ReadonlySet<number>) => void)[] = [];
  let position = head.position;
  let isWriting = false;
  let submitted = 0;
  let drainWaiters: { upTo: number; resolve: () => void }[] = [];

  async function append(batch: LogBatch): Promise<{ from: number; to: number }> {
    if (queue.length >= MAX_QUEUED) throw new Error(`more than ${MAX_QUEUED} appends wait for the database`);
    const rooms = new Set((batch.events ?? []).map((event) => event.row.roomNid));
    return await new Promise((resolve, reject) => {
      submitted += 1;
      queue.push({ order: submitted, batch, rooms, from: 0, to: 0, resolve, reject });
      if (!isWriting) void pump();
    });
  }

  async function pump(): Promise<void> {
    isWriting = true;
    while (queue.length > 0) {
      await writeGroup(takeGroup());
      tellDrained();
    }
    isWriting = false;
  }

  /** The queue is in the order of submission: what was submitted before its first entry is settled. */
  function tellDrained(): void {
    const settled = (queue[0]?.order ?? Number.POSITIVE_INFINITY) - 1;
    const [done, still] = [drainWaiters.filter(({ upTo }) => upTo <= settled), drainWaiters.filter(({ upTo }) => upTo > settled)];
    drainWaiters = still;
    for (const waiter of done) waiter.resolve();
  }

  function takeGroup(): Submission[] {
    let rows = 0;
    let bytes = 0;
    let count = 0;
    for (const { batch } of queue) {
      rows += (batch.events?.length ?? 0) + (batch.rows?.length ?? 0);
      bytes += (batch.events ?? []).reduce((sum, event) => sum + event.row.json.length, 0);
      if (count > 0 && (rows > MAX_BATCH_ROWS || bytes > MAX_BATCH_BYTES)) break;
      count += 1;
    }
    return queue.splice(0, count);
  }

  /** Resolves with the rooms whose events were refused. */
  async function writeGroup(group: readonly Submission[]): Promise<ReadonlySet<number>> {
    const to = assignPositions(group, position);
    try {
      await writeUntilKnown(group, to);
    } catch (error) {
      return isDataError(error) && group.length > 1 ? await writeParts(splitByRoom(group)) : refuse(group, error);
    }
    const from = position + 1;
    position = to;
    publish(group, from, to);
    for (const submission of group) submission.resolve({ from: submission.from, to: submission.to });
    return new Set();
  }

  /** Writes one part after the other. What shares a room with a part that was refused is refused with it. */
  async function writeParts(parts: readonly Submission[][]): Promise<ReadonlySet<number>> {
    const refused = new Set<number>();
    for (const part of parts) {
      const isOrphan = part.some((submission) => submission.rooms.intersection(refused).size > 0);
      if (isOrphan) for (const submission of part) submission.reject(new RefusedBasis());
      else for (const room of await writeGroup(part)) refused.add(room);
    }
    return refused;
  }

  /** A connection lost during COMMIT leaves the batch unknown: it is looked up before it is written again. */
  async function writeUntilKnown(group: readonly Submission[], to: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (attempt > 1 && (await loadLogHead(database.logSql)).position >= to) return;
        if (!(await write(group, to))) {
          lost();
          throw new Error('another process has taken the log of this database');
        }
        return;
      } catch (error) {
        if (!isConnectionError(error) || attempt >= RECONNECT_ATTEMPTS) throw error;
        logger.warn({ err: error, attempt }, 'the database connection broke while the log was written; trying again');
        await delay(RECONNECT_DELAY_MS);
      }
    }
  }

  async function write(group: readonly Submission[], to: number): Promise<boolean> {
    const events = group.flatMap(({ batch }) => batch.events ?? []);
    const batch = {
      epoch: head.epoch,
      to,
      events: events.map((event) => event.row),
      ...reduceStateChanges(events),
      memberships: reduceMemberships(events),
      heads: reduceHeads(events),
    };
    const isEventsOnly = group.every((submission) => !submission.batch.rows?.length && !submission.batch.riders?.length);
    if (isEventsOnly) return await writeEventBatch(database.logSql, batch);

    return await database.logSql.begin(async (sql) => {
      const writes: PromiseLike<unknown>[] = [];
      const isHeld = writeEventBatch(sql, batch);
      for (const submission of group) {
        let at = submission.from + (submission.batch.events?.length ?? 0);
        for (const row of submission.batch.rows ?? []) writes.push(row.write(sql, at++));
        for (const rider of submission.batch.riders ?? []) writes.push(rider(sql));
      }
      const [held] = await Promise.all([isHeld, ...writes]);
      if (held) return held;
      lost();
      throw new Error('another process has taken the log of this database');
    });
  }

  function publish(group: readonly Submission[], from: number, to: number): void {
    const events: LoggedEvent[] = [];
    for (const { batch } of group) events.push(...(batch.events ?? []));
    const wakes = group.flatMap(({ batch }) => [...(batch.events ?? []), ...(batch.rows ?? [])].map((entry) => entry.wakes));
    committed({ from, to, events, wakes });
  }

  /** Fails the waiters, and with them everything queued for the same rooms: it was built on what is not there. */
  function refuse(group: readonly Submission[], error: unknown): ReadonlySet<number> {
    const rooms = new Set(group.flatMap((submission) => [...submission.rooms]));
    const orphans = queue.filter((submission) => submission.rooms.intersection(rooms).size > 0);
    for (const orphan of orphans) queue.splice(queue.indexOf(orphan), 1);
    if (rooms.size > 0) for (const listener of failureListeners) listener(rooms);
    for (const submission of group) submission.reject(error);
    for (const orphan of orphans) orphan.reject(new RefusedBasis());
    return rooms;
  }

  return {
    append,
    position: () => position,
    onRoomsFailed: (listener) => void failureListeners.push(listener),
    drained: async () => {
      if (isWriting) await new Promise<void>((resolve) => drainWaiters.push({ upTo: submitted, resolve }));
    },
  };
}

/** Gives each row its position, in the order of submission, after `last`. Returns the last position given. */
function assignPositions(group: readonly Submission[], last: number): number {
  let next = last + 1;
  for (const submission of group) {
    submission.from = next;
    for (const event of submission.batch.events ?? []) {
      event.row.position = next;
      if (event.isOnMainLine) event.row.basePos = next - 1;
      next += 1;
    }
    next += submission.batch.rows?.length ?? 0;
    submission.to = Math.max(submission.from, next - 1);
  }
  return Math.max(next - 1, last + 1);
}

/** Splits a refused group so that a bad row harms only what shares a room with it. */
function splitByRoom(group: readonly Submission[]): Submission[][] {
  const parts: { rooms: Set<number>; submissions: Submission[] }[] = [];
  for (const submission of group) {
    const part = parts.find((candidate) => [...submission.rooms].some((room) => candidate.rooms.has(room)));
    if (part === undefined) parts.push({ rooms: new Set(submission.rooms), submissions: [submission] });
    else {
      part.submissions.push(submission);
      for (const room of submission.rooms) part.rooms.add(room);
    }
  }
  return parts.length > 1 ? parts.map((part) => part.submissions) : group.map((submission) => [submission]);
}
