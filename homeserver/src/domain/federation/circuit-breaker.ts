import { setTimeout as delay } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import { isAnswer, isUnreachable } from './failure-kinds.ts';
import { FederationError } from './federation-error.ts';
import { retryDelayMs } from './outbound/backoff.ts';
import type { Reachability } from './outbound/reachability.ts';

/** How many servers are remembered that did not answer a request. */
const MAX_REMEMBERED = 10_000;
/** A server that took less time to fail may fail once before it counts as unreachable: a connection may be lost by a restart. */
const CHEAP_FAILURE_MS = 1_000;
/** A request for which somebody waits is tried again when so many times what the last failure cost has passed … */
const PERSON_PATIENCE = 3;
/** … but not more often than this … */
const PERSON_MIN_PAUSE_MS = 1_000;
/** … and at least so often. */
const PERSON_MAX_PAUSE_MS = 60_000;

/**
 * How much a request matters: `background` waits until the server may be tried again; one for which a `person` waits is tried when the
 * last failure is some while ago; one that is `insisting` is tried in any case.
 */
export type Urgency = 'background' | 'person' | 'insisting';

/** What somebody has asked for, and would ask for again. */
export const INSISTING = { urgency: 'insisting' } as const;

type Attempt = { urgency: Urgency; timeoutMs: number; signal: AbortSignal | undefined };

/** Whether a server is known not to answer: others are better asked first. */
export type IsUnreachable = (serverName: string) => boolean;

/** Spares everybody the wait for servers that are known not to answer. */
export type CircuitBreaker = {
  /**
   * Makes a request of a server, or throws a `FederationError` at once when the server is known not to answer. When it may be tried again
   * one request goes ahead, and the others wait for what becomes of it.
   */
  run: <Result>(destination: string, attempt: Attempt, request: () => Promise<Result>) => Promise<Result>;
  isOpen: IsUnreachable;
};

/** The request was not made. */
export class NotAskedError extends FederationError {
  constructor(destination: string) {
    super(destination, 'it could not be reached lately, and is not asked again so soon');
  }
}

type Deps = { reachability: Reachability; clock: Clock; random: Random };

/**
 * A server counts as unreachable when transactions to it fail (`reachability`, kept across restarts) or requests do (kept here); it is
 * well again as soon as it answers anything, or asks anything of us.
 */
export function createCircuitBreaker({ reachability, clock, random }: Deps): CircuitBreaker {
  const unanswered = new LRUCache<string, { failures: number; retryAt: number; triedAt: number; costMs: number }>({ max: MAX_REMEMBERED });
  const probes = new Map<string, Promise<unknown>>();
  reachability.onAlive((destination) => void unanswered.delete(destination));

  /** When the server failed last, and when it may be tried again; undefined when nothing speaks against it. */
  function findFailure(destination: string): { retryAt: number; triedAt: number; costMs: number } | undefined {
    const own = unanswered.get(destination);
    const sending = reachability.findFailure(destination);
    if (own === undefined || sending === undefined) return own ?? sending;
    return {
      retryAt: Math.max(own.retryAt, sending.retryAt),
      triedAt: Math.max(own.triedAt, sending.triedAt),
      costMs: own.costMs,
    };
  }

  function mayTry(destination: string, urgency: Urgency): boolean {
    const failure = findFailure(destination);
    if (failure === undefined || urgency === 'insisting') return true;
    const now = clock.now();
    if (now >= failure.retryAt || now < failure.triedAt) return true; // the clock may have been set back since
    const pause = Math.min(PERSON_MAX_PAUSE_MS, Math.max(PERSON_MIN_PAUSE_MS, PERSON_PATIENCE * failure.costMs));
    return urgency === 'person' && now >= failure.triedAt + pause;
  }

  function noteFailure(destination: string, startedAt: number): void {
    const now = clock.now();
    const earlier = unanswered.get(destination);
    if (earlier !== undefined && earlier.triedAt > startedAt) return; // one of several that were under way together
    const costMs = now - startedAt;
    const failures = (earlier?.failures ?? 0) + 1;
    const isExcused = failures === 1 && costMs < CHEAP_FAILURE_MS;
    unanswered.set(destination, { failures, triedAt: now, costMs, retryAt: isExcused ? now : now + retryDelayMs(failures, random) });
  }

  function noteLife(destination: string): void {
    unanswered.delete(destination);
    reachability.sawAlive(destination);
  }

  async function attempt<Result>(destination: string, { timeoutMs, signal }: Attempt, request: () => Promise<Result>): Promise<Result> {
    const startedAt = clock.now();
    try {
      const result = await request();
      noteLife(destination);
      return result;
    } catch (error) {
      if (isAnswer(error)) noteLife(destination);
      else if (isUnreachable(error, timeoutMs) && signal?.aborted !== true) noteFailure(destination, startedAt);
      throw error;
    }
  }

  async function probe<Result>(destination: string, how: Attempt, request: () => Promise<Result>): Promise<Result> {
    const probing = attempt(destination, how, request).finally(() => {
      if (probes.get(destination) === probing) probes.delete(destination);
    });
    probes.set(destination, probing);
    return await probing;
  }

  return {
    isOpen: (destination) => !mayTry(destination, 'background'),
    run: async (destination, how, request) => {
      if (how.urgency === 'insisting' || findFailure(destination) === undefined) return await attempt(destination, how, request);
      const probing = probes.get(destination);
      if (probing !== undefined) {
        const ended = new AbortController();
        const given = delay(how.timeoutMs, undefined, { signal: ended.signal }).catch(() => undefined);
        await Promise.race([probing.catch(() => undefined), given]);
        ended.abort();
        if (findFailure(destination) === undefined) return await attempt(destination, how, request);
      } else if (mayTry(destination, how.urgency)) return await probe(destination, how, request);
      throw new NotAskedError(destination);
    },
  };
}
