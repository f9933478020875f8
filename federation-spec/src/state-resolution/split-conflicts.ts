import type { StateMap } from './state-lookups.ts';

/** What the states agree on, and the events of every key they do not agree on. */
export type Conflicts = { unconflicted: Map<string, string>; conflicted: Map<string, Set<string>> };

/**
 * Splits states into the unconflicted state map and the conflicted events by key. A key that one state lacks is in conflict.
 *
 * https://spec.matrix.org/latest/rooms/v2/#definitions
 */
export function splitConflicts(stateSets: readonly StateMap[]): Conflicts {
  const unconflicted = new Map<string, string>();
  const conflicted = new Map<string, Set<string>>();
  for (const stateSet of stateSets) {
    for (const [key, eventId] of stateSet) {
      if (unconflicted.has(key) || conflicted.has(key)) continue;
      const eventIds = listValues(stateSets, key);
      if (eventIds === undefined) unconflicted.set(key, eventId);
      else conflicted.set(key, eventIds);
    }
  }
  return { unconflicted, conflicted };
}

/**
 * The same for room version 1, where only different events are a conflict: a key that some states lack is not.
 *
 * https://spec.matrix.org/latest/rooms/v1/#state-resolution
 */
export function splitConflictsV1(stateSets: readonly StateMap[]): Conflicts {
  const { unconflicted, conflicted } = splitConflicts(stateSets);
  for (const [key, eventIds] of conflicted) {
    const [first, ...others] = eventIds;
    if (first === undefined || others.length > 0) continue;
    conflicted.delete(key);
    unconflicted.set(key, first);
  }
  return { unconflicted, conflicted };
}

/** The events at a key when the states differ there; `undefined` when all have the same one. */
function listValues(stateSets: readonly StateMap[], key: string): Set<string> | undefined {
  const eventIds = new Set<string>();
  let isEverywhere = true;
  for (const stateSet of stateSets) {
    const eventId = stateSet.get(key);
    if (eventId === undefined) isEverywhere = false;
    else eventIds.add(eventId);
  }
  return isEverywhere && eventIds.size === 1 ? undefined : eventIds;
}
