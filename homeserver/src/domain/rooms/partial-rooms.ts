import { setTimeout as delay } from 'node:timers/promises';
import { unavailable } from '../../platform/matrix-error.ts';
import type { HotRoom } from './hot-room.ts';

/** How long a request waits for the rest of a room's state. */
const MAX_WAIT_MS = 60_000;

/** Rooms whose state is not complete, and who waits for it. https://github.com/matrix-org/matrix-spec-proposals/pull/3902 */
export type PartialRooms = {
  /**
   * Resolves with true when it had to wait and the room is whole now, with false when it was, or is shown as it is. Throws when that takes
   * too long.
   */
  untilWhole: (room: HotRoom, limitMs?: number) => Promise<boolean>;
  /** Nobody could complete the room for long: nobody waits for it any more. */
  shownAsItIs: (roomNid: number) => void;
  /** The room is whole, or given up. */
  ended: (roomNid: number) => void;
};

export function createPartialRooms(): PartialRooms {
  const shown = new Set<number>();
  const waiting = new Map<number, { ended: Promise<void>; end: () => void }>();

  function enter(roomNid: number): Promise<void> {
    const known = waiting.get(roomNid);
    if (known !== undefined) return known.ended;
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.set(roomNid, { ended: promise, end: resolve });
    return promise;
  }

  function release(roomNid: number): void {
    waiting.get(roomNid)?.end();
    waiting.delete(roomNid);
  }

  return {
    untilWhole: async (room, limitMs = MAX_WAIT_MS) => {
      if (!room.isPartial || shown.has(room.nid)) return false;
      const stop = new AbortController();
      const late = delay(limitMs, 'late' as const, { signal: stop.signal, ref: false }).catch(() => 'late' as const);
      const outcome = await Promise.race([enter(room.nid), late]);
      stop.abort();
      if (outcome === 'late') throw unavailable('This server is still fetching who is in the room; try again later.');
      return true;
    },
    shownAsItIs: (roomNid) => {
      shown.add(roomNid);
      release(roomNid);
    },
    ended: (roomNid) => {
      shown.delete(roomNid);
      release(roomNid);
    },
  };
}
