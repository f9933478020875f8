import type { StoredEvent } from '../../../storage/events.ts';

type Node = Pick<StoredEvent, 'eventNid' | 'auth'>;

/**
 * The events that some of the states rest on by what they disagree about, and others do not. `chain` holds the events in conflict and all
 * that these rest on; `conflicted` are, for each state, its events at the keys in conflict. What the states agree on may rest on some of
 * them too, which then are no difference: that is for the caller to take out.
 *
 * https://spec.matrix.org/latest/rooms/v2/#definitions
 */
export function listUnevenlyReached(chain: ReadonlyMap<number, Node>, conflicted: readonly (readonly number[])[]): number[] {
  const reachedBy = new Map<number, number>();
  for (const events of conflicted) {
    const seen = new Set<number>();
    const stack = [...events];
    for (let nid = stack.pop(); nid !== undefined; nid = stack.pop()) {
      if (seen.has(nid)) continue;
      seen.add(nid);
      reachedBy.set(nid, (reachedBy.get(nid) ?? 0) + 1);
      stack.push(...(chain.get(nid)?.auth ?? []));
    }
  }
  return [...reachedBy].filter(([, count]) => count < conflicted.length).map(([nid]) => nid);
}
