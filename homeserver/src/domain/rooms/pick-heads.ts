import type { Head } from './room-event.ts';

/** Most prev_events of an event we make; a room with more heads is merged in steps. https://spec.matrix.org/latest/rooms/ */
export const MAX_PREV_EVENTS = 10;

/**
 * The heads that an event is to build upon, newest last: all of them when they are few enough. Otherwise the newest, and the one with the
 * longest history by our own count: forks from long ago, however many are made of them, do not take its place, or the state before the
 * event would be that of long ago. `attempt` gives the next longest, and the next.
 */
export function pickHeads(heads: readonly Head[], attempt = 0): Head[] {
  if (heads.length <= MAX_PREV_EVENTS) return [...heads];
  const longest = heads.toSorted((a, b) => b.topological - a.topological)[attempt % heads.length];
  const others = heads.filter((head) => head !== longest).slice(1 - MAX_PREV_EVENTS);
  return heads.filter((head) => head === longest || others.includes(head));
}
