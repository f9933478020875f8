import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Sql } from '../../storage/database.ts';
import { findNextDueAt, listDueDelayedEvents, pruneDelayedEvents } from '../../storage/delayed-events.ts';

/** How many events are sent in one round; the next one follows at once. */
const BATCH = 200;
/** The table is looked at this often at least: the clock may have been set. */
const MAX_REST_MS = 60_000;
/** How long to rest after a round that failed. */
const RETRY_MS = 2_000;
const PRUNE_EVERY_MS = 60 * 60 * 1000;
const FINALISED_KEPT_MS = 7 * 24 * 60 * 60 * 1000;
const FINALISED_KEPT_PER_USER = 1_000;

export type DelayedTimer = {
  /** Begins, with what became due meanwhile. */
  start: () => void;
  /** An event will be due then. */
  expect: (dueAt: number) => void;
  stop: () => Promise<void>;
};

type Deps = {
  sql: Sql;
  clock: Clock;
  logger: Logger;
  /** Sends an event whose time has come; throws when it should be tried again. */
  settle: (delayId: string) => Promise<void>;
};

/** Wakes when the next event is due. */
export function createDelayedTimer({ sql, clock, logger, settle }: Deps): DelayedTimer {
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = Number.POSITIVE_INFINITY;
  let running: Promise<void> | undefined;
  let isStarted = false;
  let isStopped = false;
  let prunedAt = clock.now();

  function rest(ms: number): void {
    if (isStopped) return;
    clearTimeout(timer);
    wakesAt = clock.now() + ms;
    timer = setTimeout(wake, ms);
    timer.unref();
  }

  function wake(): void {
    wakesAt = Number.POSITIVE_INFINITY;
    running ??= round()
      .catch((error: unknown) => {
        logger.error({ err: error }, 'delayed events were not sent; they are tried again');
        return RETRY_MS;
      })
      .then((restMs) => {
        running = undefined;
        rest(Math.min(restMs, Math.max(0, wakesAt - clock.now())));
      });
  }

  /** Sends what is due: the rooms at the same time, the events of one room in the order in which they are due. Gives how long to rest. */
  async function round(): Promise<number> {
    const due = await listDueDelayedEvents(sql, clock.now(), BATCH);
    const settled = await Promise.allSettled(
      [...Map.groupBy(due, (row) => row.roomId).values()].map(async (rows) => {
        for (const { delayId } of rows) await settle(delayId);
      }),
    );
    for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason;
    if (clock.now() - prunedAt > PRUNE_EVERY_MS) {
      prunedAt = clock.now();
      await pruneDelayedEvents(sql, { before: prunedAt - FINALISED_KEPT_MS, keep: FINALISED_KEPT_PER_USER });
    }
    if (due.length === BATCH) return 0;
    const nextAt = await findNextDueAt(sql);
    return nextAt === undefined ? MAX_REST_MS : Math.min(MAX_REST_MS, Math.max(0, nextAt - clock.now()));
  }

  return {
    start: () => {
      isStarted = true;
      rest(0);
    },
    expect: (dueAt) => {
      if (!isStarted || dueAt >= wakesAt) return;
      if (running === undefined) rest(Math.max(0, dueAt - clock.now()));
      else wakesAt = dueAt; // the round under way rests no longer than that
    },
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
