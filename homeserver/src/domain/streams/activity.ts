/** Remembers, by number, which rooms or users something was written for since the start, so that the database is asked only about those. */
export type Activity = {
  /** Call it before the commit: what is then asked for and not yet there costs a query, what is there is never missed. */
  wrote: (nid: number, position: number) => void;
  /** Whether there may be something after a position; what was before the start always may. */
  isActiveSince: (after: number) => (nid: number) => boolean;
};

export function createActivity(startedAt: number): Activity {
  const last = new Map<number, number>();
  return {
    wrote: (nid, position) => void last.set(nid, Math.max(position, last.get(nid) ?? 0)),
    isActiveSince: (after) => (nid) => after < startedAt || (last.get(nid) ?? 0) > after,
  };
}
