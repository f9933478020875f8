import { createBuckets } from '../../../platform/buckets.ts';
import type { Clock } from '../../../platform/clock.ts';

/** How many events beside the timelines are kept because one server gave them: at once, and further ones by the second. */
const BURST = 50_000;
const PER_SECOND = 20;
const MAX_REMEMBERED_SERVERS = 10_000;

/** Takes room for so many events that a server gave with what was asked of it. Throws when it has given too many of late. */
export type TakeOutlierRoom = (server: string, events: number) => void;

/**
 * A server that sends an event is asked for the state and the auth events there: it could give whole rooms of its own making, again and again,
 * and all would be kept. Rooms that are joined are no part of this: somebody here has asked for them.
 */
export function createOutlierBudget({ clock, burst = BURST }: { clock: Clock; burst?: number }): TakeOutlierRoom {
  const take = createBuckets({ clock, maxBuckets: MAX_REMEMBERED_SERVERS });
  return (server, events) => {
    if (events > 0 && take(server, { perSecond: PER_SECOND, burst }, events) > 0)
      throw new Error(`${server} gives ${events} events that are not here, which is more than are kept of it for now`);
  };
}
