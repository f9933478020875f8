export type Count = { notifications: number; highlights: number };

/** What is unread of a room's main timeline, and of its threads, by their root. */
export type UnreadCounts = Count & { byThread: Map<string, Count> };
