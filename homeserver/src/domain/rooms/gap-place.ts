/**
 * The distance in a room's own order that is kept free for what happened and is not here: it gets its numbers, downwards from the event
 * behind the gap, when it is fetched. Events behind a gap stand on multiples of it, which no other event reaches but after so many.
 */
const GAP = 2 ** 24;

/** Where a room's order begins when we come to it late; what came before gets lower numbers by and by. */
export const FIRST_PLACE_OF_LATE_ROOM = 2 ** 40;

/** The place of an event that builds upon what is not here, in a room whose newest event has the number `newest`. */
export function placeBehindGap(newest: number): number {
  return (Math.floor((newest + GAP / 2) / GAP) + 1) * GAP;
}

/** Whether what stands right before the event, in the room's own order, was not here when the event came. */
export function isBehindGap(topological: number): boolean {
  return topological > 0 && topological % GAP === 0;
}

/** Whether what stands at the lower place is on the same side of every gap as what stands at the upper one. */
export function isOnSameSide(upper: number, lower: number): boolean {
  return upper - lower < GAP / 2;
}
