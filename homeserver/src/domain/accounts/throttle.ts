import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import { limitExceeded } from '../../platform/matrix-error.ts';

/** Slows down whoever fails again and again at one thing, such as the password of one account, from wherever the tries come. */
export type Throttle = {
  /** @throws M_LIMIT_EXCEEDED when there were too many failures lately */
  check(key: string): void;
  fail(key: string): void;
};

const MAX_KEYS = 20_000;

/** @param burst failures that are free; each is forgiven after `forgiveMs` */
export function createThrottle({ clock, burst, forgiveMs }: { clock: Clock; burst: number; forgiveMs: number }): Throttle {
  const buckets = new LRUCache<string, { failures: number; at: number }>({ max: MAX_KEYS });

  function failuresOf(key: string): number {
    const bucket = buckets.get(key);
    if (bucket === undefined) return 0;
    const now = clock.now();
    bucket.failures = Math.max(0, bucket.failures - Math.max(0, now - bucket.at) / forgiveMs); // the clock may have been set back
    bucket.at = now;
    return bucket.failures;
  }

  return {
    check(key) {
      const excess = failuresOf(key) + 1 - burst;
      if (excess > 0) throw limitExceeded(excess * forgiveMs);
    },
    fail(key) {
      buckets.set(key, { failures: failuresOf(key) + 1, at: clock.now() });
    },
  };
}

/** A throttle that lets everything pass, for tests. */
export const noThrottle: Throttle = { check: () => undefined, fail: () => undefined };
