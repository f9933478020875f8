/** https://spec.matrix.org/latest/client-server-api/#size-limits */
export const MAX_EVENT_BYTES = 65_536;

/** How many events one may name as its predecessors. */
export const MAX_PREV_EVENTS = 20;

/** How many events one may name as those that allow it. */
export const MAX_AUTH_EVENTS = 10;
