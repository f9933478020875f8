/** Tells the time. Passed in wherever time is needed, so that a test can own it. */
export type Clock = {
  /** Milliseconds since 1970, as Matrix's `origin_server_ts`. */
  now(): number;
};

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() };
