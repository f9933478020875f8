import type { QueueEntry } from '../../../storage/federation-queue.ts';

/** Events that wait, by server, in the order they came. */
export type WaitingEvents = {
  put: (entry: QueueEntry) => void;
  has: (destination: string, eventNid: number) => boolean;
  /** Takes events of a server out; what is not there is passed over. */
  drop: (destination: string, eventNids: Iterable<number>) => void;
  /** Takes all of a server's out; false when there were none. */
  clear: (destination: string) => boolean;
  list: (destination: string) => QueueEntry[];
  all: () => QueueEntry[];
  count: () => number;
};

export function createWaitingEvents(): WaitingEvents {
  const rooms = new Map<string, Map<number, number>>();
  let count = 0;

  function list(destination: string): QueueEntry[] {
    return [...(rooms.get(destination) ?? [])].map(([eventNid, roomNid]) => ({ destination, roomNid, eventNid }));
  }

  return {
    put: ({ destination, roomNid, eventNid }) => {
      const mine = rooms.get(destination) ?? new Map<number, number>();
      if (!mine.has(eventNid)) count += 1;
      mine.set(eventNid, roomNid);
      rooms.set(destination, mine);
    },
    has: (destination, eventNid) => rooms.get(destination)?.has(eventNid) === true,
    drop: (destination, eventNids) => {
      const mine = rooms.get(destination);
      if (mine === undefined) return;
      for (const eventNid of eventNids) if (mine.delete(eventNid)) count -= 1;
      if (mine.size === 0) rooms.delete(destination);
    },
    clear: (destination) => {
      count -= rooms.get(destination)?.size ?? 0;
      return rooms.delete(destination);
    },
    list,
    all: () => [...rooms.keys()].flatMap(list),
    count: () => count,
  };
}
