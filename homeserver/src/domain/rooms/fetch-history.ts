import type { HotRoom } from './hot-room.ts';

/**
 * Asks other servers for what is missing within a stretch of the room's own order, which is read backwards: it has a gap, or reaches the
 * edge of what is known here. Resolves with whether anything came.
 */
export type FetchHistory = (room: HotRoom, stretch: { from: number; downTo: number; limit: number }) => Promise<boolean>;
