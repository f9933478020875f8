import { LRUCache } from 'lru-cache';
import type { Clock } from './clock.ts';

/** What one caller may take: `burst` at once, and `perSecond` more as time goes on. */
export type Allowance = { perSecond: number; burst: number };

/** A longer name of a caller is cut: whoever makes names up is not to fill the memory with them. */
const MAX_NAME_LENGTH = 512;

/** Takes so much from the bucket of that name. Returns 0, or how long until there is enough (ms), having taken nothing. */
export type TakeFromBucket = (name: string, allowance: Allowance, cost: number) => number;

/**
 * Buckets that are full at first and fill up again. At most `maxBuckets` are remembered: the least recently used is forgotten, full as it
 * is then. A clock that is set back takes nothing away: a bucket fills from then on as it did before.
 */
export function createBuckets({ clock, maxBuckets }: { clock: Clock; maxBuckets: number }): TakeFromBucket {
  const buckets = new LRUCache<string, { left: number; filledAt: number }>({ max: maxBuckets });
  return (name, { perSecond, burst }, cost) => {
    const key = name.slice(0, MAX_NAME_LENGTH);
    const now = clock.now();
    const bucket = buckets.get(key) ?? { left: burst, filledAt: now };
    bucket.left = Math.min(burst, bucket.left + (Math.max(0, now - bucket.filledAt) / 1000) * perSecond);
    bucket.filledAt = now;
    if (bucket.left < cost) {
      if (bucket.left < burst) buckets.set(key, bucket);
      return ((cost - bucket.left) / perSecond) * 1000;
    }
    bucket.left -= cost;
    buckets.set(key, bucket);
    return 0;
  };
}
