import type { RateLimitClass } from 'federation-spec/api/endpoint.ts';
import { type Allowance, createBuckets } from '../../platform/buckets.ts';
import type { Clock } from '../../platform/clock.ts';
import { limitExceeded } from '../../platform/matrix-error.ts';

/** Limits that no endpoint is declared with: of what a call does to others, whoever calls. */
export type SubjectLimitClass =
  /** Invites to one person, by everybody together. */
  | 'invited'
  /** People that one account or server invites, however many at once. */
  | 'inviting'
  /** Joins and knocks of local people at one room. */
  | 'joined-room'
  /** Aliases that one account makes: each takes a name from everybody. */
  | 'naming-room';

/** How often one account (or, before log-in, one address; or one server) may call the endpoints of a class. */
export const LIMITS: Readonly<Record<Exclude<RateLimitClass, 'none'> | SubjectLimitClass, Allowance>> = {
  default: { perSecond: 50, burst: 200 },
  login: { perSecond: 0.2, burst: 10 },
  registration: { perSecond: 0.2, burst: 20 },
  mail: { perSecond: 1 / 60, burst: 5 },
  message: { perSecond: 10, burst: 50 },
  join: { perSecond: 1, burst: 30 },
  invite: { perSecond: 1, burst: 30 },
  media: { perSecond: 50, burst: 300 },
  preview: { perSecond: 2, burst: 40 },
  search: { perSecond: 1, burst: 20 },
  federation: { perSecond: 100, burst: 500 },
  invited: { perSecond: 0.2, burst: 30 },
  inviting: { perSecond: 2, burst: 300 },
  'joined-room': { perSecond: 10, burst: 200 },
  'naming-room': { perSecond: 1, burst: 100 },
};

/** Callers remembered at once; the least recently seen is forgotten, with a full bucket. */
const MAX_BUCKETS = 100_000;

/** Takes `count` calls, one unless given, from a caller's bucket. Throws `M_LIMIT_EXCEEDED` when there are not so many in it. */
export type RateLimiter = (limitClass: RateLimitClass | SubjectLimitClass, caller: string, count?: number) => void;

export function createRateLimiter({ clock, enabled }: { clock: Clock; enabled: boolean }): RateLimiter {
  const take = createBuckets({ clock, maxBuckets: MAX_BUCKETS });
  return (limitClass, caller, count = 1) => {
    if (!enabled || limitClass === 'none') return;
    const waitMs = take(`${limitClass} ${caller}`, LIMITS[limitClass], count);
    if (waitMs > 0) throw limitExceeded(waitMs);
  };
}
