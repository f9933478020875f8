import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Random } from '../../../platform/random.ts';
import type { Database } from '../../../storage/database.ts';
import {
  clearDestinationFailure,
  type DestinationFailure,
  listDestinationFailures,
  saveDestinationFailure,
} from '../../../storage/federation-destinations.ts';
import { isAnswer, isSlowFailure } from '../failure-kinds.ts';
import { retryDelayMs } from './backoff.ts';

/** A server that shows a sign of life is tried again at once, but not more often than this. */
const MIN_RETRY_MS = 1_000;
/** What it counts as when a server had to be waited for in vain. */
const SLOW_FAILURE_MS = 10_000;

/** Which servers cannot be reached, and when each is to be tried again. Kept across restarts. */
export type Reachability = {
  /** How long to wait before the server is tried; 0 when it may be tried now. */
  waitMs: (destination: string) => number;
  isFailing: (destination: string) => boolean;
  failed: (destination: string, error: unknown) => void;
  /** The server answers, and asks to be left alone for so long (ms): it does not count as failing. */
  wasBusy: (destination: string, retryAfterMs: number) => void;
  succeeded: (destination: string) => void;
  /** The server has just proved to be alive: whoever waits may try it again. */
  sawAlive: (destination: string) => void;
  /** Has a listener told of every sign of life. */
  onAlive: (listener: (destination: string) => void) => void;
  /** When the last transaction to a server that has shown no sign of life since failed, what that took, and when the next is due. */
  findFailure: (destination: string) => { retryAt: number; triedAt: number; costMs: number } | undefined;
  /** How many servers are failing. */
  count: () => number;
};

type Deps = { database: Database; clock: Clock; random: Random; logger: Logger };

/** Longer than any server asks to be left alone. */
const MAX_BUSY_MS = 3_600_000;

export async function createReachability({ database, clock, random, logger }: Deps): Promise<Reachability> {
  const failing = new Map<string, DestinationFailure & { triedAt: number; costMs: number; isAlive: boolean }>();
  const listeners: ((destination: string) => void)[] = [];
  for (const { destination, ...failure } of await listDestinationFailures(database.sql))
    failing.set(destination, { ...failure, triedAt: 0, costMs: 0, isAlive: false });
  /** Until when (ms) servers want to be left alone. */
  const busy = new Map<string, number>();

  function tell(destination: string): void {
    for (const listener of listeners) listener(destination);
  }

  /** What is lost with the process costs one attempt too many. */
  function note(written: Promise<void>, destination: string): void {
    written.catch((error: unknown) => logger.warn({ destination, err: error }, 'how a server was reached could not be noted'));
  }

  function succeeded(destination: string): void {
    busy.delete(destination);
    if (failing.delete(destination)) note(clearDestinationFailure(database.lazySql, destination), destination);
    tell(destination);
  }

  return {
    waitMs: (destination) => {
      const now = clock.now();
      const { retryAt = 0, triedAt = 0 } = failing.get(destination) ?? {};
      const isSetBack = now < triedAt; // by the clock's new time nobody has tried yet
      return Math.max(0, Math.max(isSetBack ? 0 : retryAt, Math.min(busy.get(destination) ?? 0, now + MAX_BUSY_MS)) - now);
    },
    isFailing: (destination) => failing.has(destination),
    wasBusy: (destination, retryAfterMs) => {
      succeeded(destination);
      busy.set(destination, clock.now() + Math.max(MIN_RETRY_MS, retryAfterMs));
    },
    failed: (destination, error) => {
      const earlier = failing.get(destination);
      const now = clock.now();
      const failures = (earlier?.failures ?? 0) + 1;
      const retryAt = now + retryDelayMs(failures, random);
      const failure = { failures, failingSince: earlier?.failingSince ?? now, retryAt };
      failing.set(destination, { ...failure, triedAt: now, costMs: isSlowFailure(error) ? SLOW_FAILURE_MS : 0, isAlive: isAnswer(error) });
      const reason = error instanceof Error ? error.message : String(error);
      logger.info({ destination, failures, retryAt, reason }, 'another server cannot be reached');
      note(saveDestinationFailure(database.lazySql, destination, failure), destination);
    },
    succeeded,
    sawAlive: (destination) => {
      const failure = failing.get(destination);
      if (failure !== undefined) {
        failure.retryAt = Math.min(failure.retryAt, Math.max(clock.now(), failure.triedAt + MIN_RETRY_MS));
        failure.isAlive = true;
      }
      tell(destination);
    },
    onAlive: (listener) => void listeners.push(listener),
    findFailure: (destination) => {
      const failure = failing.get(destination);
      return failure === undefined || failure.isAlive ? undefined : failure;
    },
    count: () => failing.size,
  };
}
