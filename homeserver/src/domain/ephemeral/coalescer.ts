/** The key under which what comes for any room is gathered. */
export const ALL_ROOMS = 0;

/** Gathers what comes for the same room, or for all of them, within a while, so that a flood costs little. */
export type Coalescer<Item> = {
  /** Resolves when the item was written with the others of its room, rejects when they could not be. */
  add: (roomNid: number, item: Item) => Promise<void>;
  /** Writes what waits, now. */
  drained: () => Promise<void>;
};

/** Most items that may wait for one room; the rest is written at once. */
const MAX_WAITING = 1_000;

type Slot<Item> = { items: Item[]; written: PromiseWithResolvers<void>; timer: NodeJS.Timeout };

/**
 * The first item of a quiet room is written at once when `isEager`, otherwise after `everyMs`; those that follow are written together,
 * once in `everyMs` milliseconds.
 */
export function createCoalescer<Item>({
  everyMs,
  isEager,
  write,
}: {
  everyMs: number;
  isEager: boolean;
  write: (items: readonly Item[]) => Promise<void>;
}): Coalescer<Item> {
  const slots = new Map<number, Slot<Item>>();
  const writing = new Set<Promise<void>>();

  function open(roomNid: number): Slot<Item> {
    const slot = { items: [], written: newWaiter(), timer: setTimeout(() => tick(roomNid), everyMs) };
    slots.set(roomNid, slot);
    return slot;
  }

  function tick(roomNid: number): void {
    const slot = slots.get(roomNid);
    slots.delete(roomNid);
    if (slot === undefined || slot.items.length === 0) return;
    open(roomNid);
    flush(slot);
  }

  function flush(slot: Slot<Item>): void {
    const { items, written } = slot;
    if (items.length === 0) return;
    slot.items = [];
    slot.written = newWaiter();
    const work = write(items).then(written.resolve, written.reject);
    writing.add(work);
    void work.finally(() => writing.delete(work));
  }

  return {
    add: (roomNid, item) => {
      const isQuiet = !slots.has(roomNid);
      const slot = slots.get(roomNid) ?? open(roomNid);
      const { promise } = slot.written;
      slot.items.push(item);
      if ((isQuiet && isEager) || slot.items.length >= MAX_WAITING) flush(slot);
      return promise;
    },
    drained: async () => {
      for (const slot of slots.values()) {
        clearTimeout(slot.timer);
        flush(slot);
      }
      slots.clear();
      await Promise.allSettled(writing);
    },
  };
}

/** A promise whose failure nobody has to wait for. */
function newWaiter(): PromiseWithResolvers<void> {
  const waiter = Promise.withResolvers<void>();
  waiter.promise.catch(() => undefined);
  return waiter;
}
