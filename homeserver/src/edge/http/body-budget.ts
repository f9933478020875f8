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

export function createBodyBudget(maxBytes = MAX_HELD_BYTES): BodyBudget {
  let held = 0;
  const counted = (bytes: number) => Math.max(0, bytes - FREE_BYTES);
  return {
    grow: (fromBytes, toBytes) => {
      const more = counted(toBytes) - counted(fromBytes);
      if (held + more > maxBytes) return false;
      held += more;
      return true;
    },
    release: (bytes) => {
      held -= counted(bytes);
    },
  };
}
