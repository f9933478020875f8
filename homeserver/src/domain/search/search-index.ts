import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { createFollower } from '../streams/follower.ts';
import type { Log } from '../streams/log.ts';
import type { Notifier } from '../streams/notifier.ts';
import { createFollowEvents } from './follow-events.ts';

/** What is committed is gathered for so long, unless somebody searches. */
const REST_MS = 400;
/** How long a search waits for what was said just before it. */
const MAX_WAIT_MS = 2_000;

export type SearchIndex = {
  /** Resolves when everything that is committed now can be found, or when that takes too long. */
  caughtUp: () => Promise<void>;
  stop: () => Promise<void>;
};

type Deps = { database: Database; rooms: HotRooms; log: Log; notifier: Notifier; logger: Logger };

/** The words of all rooms, kept by a follower of the log that takes its time. */
export async function createSearchIndex(deps: Deps): Promise<SearchIndex> {
  const followEvents = createFollowEvents(deps);
  const waiters = new Set<{ position: number; resolve: () => void }>();
  let hurriedUpTo = 0;
  let reached = 0;
  let rest = new AbortController();

  const follower = await createFollower(deps, {
    name: 'search',
    startsAt: 'beginning',
    handle: async (range) => {
      if (range.after >= hurriedUpTo) await delay(REST_MS, undefined, { signal: rest.signal }).catch(() => undefined);
      await followEvents(range);
      reached = range.upTo;
      for (const waiter of waiters) if (waiter.position <= reached) waiter.resolve();
    },
  });
  reached = Math.max(reached, follower.position());

  function hurry(upTo: number): void {
    hurriedUpTo = upTo;
    rest.abort();
    rest = new AbortController();
  }

  return {
    caughtUp: async () => {
      const position = deps.log.position();
      if (reached >= position) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter = { position, resolve };
      const timer = setTimeout(resolve, MAX_WAIT_MS);
      waiters.add(waiter);
      hurry(position);
      await promise;
      clearTimeout(timer);
      waiters.delete(waiter);
    },
    stop: async () => {
      hurry(Number.POSITIVE_INFINITY);
      await follower.stop();
    },
  };
}
