export type RateLimiter = {
  /** Takes one; otherwise the milliseconds until there is one again. */
  take(key: string): { allowed: true } | { allowed: false; retryAfterMs: number };
};

type Bucket = { tokens: number; atMs: number };
type Rate = { burst: number; perMinute: number };

/** Keys remembered at most; the oldest are forgotten, which only ever gives somebody more. */
const MAX_KEYS = 10_000;
const MINUTE_MS = 60_000;

/** A bucket of tokens for each key, refilled evenly. */
export function createRateLimiter({ burst, perMinute }: Rate, now: () => number): RateLimiter {
  const buckets = new Map<string, Bucket>();
  return {
    take(key) {
      const known = buckets.get(key) ?? { tokens: burst, atMs: now() };
      const tokens = Math.min(burst, known.tokens + ((now() - known.atMs) / MINUTE_MS) * perMinute);
      buckets.delete(key);
      buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: now() });
      const oldest = buckets.keys().next();
      if (buckets.size > MAX_KEYS && !oldest.done) buckets.delete(oldest.value);
      return tokens >= 1 ? { allowed: true } : { allowed: false, retryAfterMs: Math.ceil(((1 - tokens) / perMinute) * MINUTE_MS) };
    },
  };
}
