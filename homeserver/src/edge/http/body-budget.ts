/** How much of all bodies that are arriving may be held at a time. Whoever sends more, from however many connections, is to come again. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;
/** So much of a body is held always: what most requests need is not for the large ones to take. */
const FREE_BYTES = 64 * 1024;

/** The memory that the bodies of requests share while they arrive. */
export type BodyBudget = {
  /** Notes that a body has grown from one size to another. False when there is no room for it: then nothing is noted. */
  grow: (fromBytes: number, toBytes: number) => boolean;
  /** The body of this size is held no more. */
  release: (bytes: number) => void;
};

/** How much of it bodies from one address may take. */
const MAX_HELD_BYTES_OF_ONE = 64 * 1024 * 1024;

/** The share of one address in the memory, which is never all of it. */
export type BodyBudgets = { of: (network: string) => BodyBudget };

export function createBodyBudgets({ all = MAX_HELD_BYTES, ofOne = MAX_HELD_BYTES_OF_ONE } = {}): BodyBudgets {
  const heldBy = new Map<string, number>();
  let held = 0;
  const counted = (bytes: number) => Math.max(0, bytes - FREE_BYTES);

  function add(network: string, more: number): void {
    held += more;
    const own = (heldBy.get(network) ?? 0) + more;
    if (own === 0) heldBy.delete(network);
    else heldBy.set(network, own);
  }

  return {
    of: (network) => ({
      grow: (fromBytes, toBytes) => {
        const more = counted(toBytes) - counted(fromBytes);
        if (more === 0) return true;
        if (held + more > all || (heldBy.get(network) ?? 0) + more > ofOne) return false;
        add(network, more);
        return true;
      },
      release: (bytes) => {
        if (counted(bytes) > 0) add(network, -counted(bytes));
      },
    }),
  };
}
