import type { AuthState } from '../auth-rules/auth-state.ts';
import { checkAuthRules } from '../auth-rules/check-auth-rules.ts';
import { numberOf } from '../canonical-json/exact-number.ts';
import { sha1 } from '../crypto/sha1.ts';
import type { Pdu } from '../events/event.ts';
import { splitStateKey, stateKeyOf } from '../events/state-key.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { splitConflictsV1 } from './split-conflicts.ts';
import { createResolution, JOIN_RULES_KEY, POWER_LEVELS_KEY, type Resolution, type StateLookups, type StateMap } from './state-lookups.ts';

type Candidate = { eventId: string; event: Pdu; depth: number; hash: string };

/**
 * State resolution of room version 1. The resolved state is built in passes:
 *
 * 1. What the states agree on.
 * 2. Conflicts between power levels, then 3. between join rules, then 4. between memberships: from the oldest event on, for as
 *    long as the next one is allowed. The users are judged independently of each other.
 * 5. Everything else: the newest event that is allowed; the oldest when none is, as existing homeservers have it.
 *
 * https://spec.matrix.org/latest/rooms/v1/#state-resolution
 */
export function resolveStateV1(stateSets: readonly StateMap[], lookups: StateLookups, rules: RoomVersionRules): Map<string, string> {
  // 1.
  const { unconflicted: resolved, conflicted } = splitConflictsV1(stateSets);
  const resolution = createResolution(lookups, rules);

  const resolveKeys = (keys: string[], choose: Choose): void => {
    const chosen: [string, string][] = [];
    for (const key of keys) {
      const candidates = sortCandidates(conflicted.get(key) ?? [], resolution);
      const eventId = choose(candidates, resolved, resolution);
      if (eventId !== undefined) chosen.push([key, eventId]);
      conflicted.delete(key);
    }
    for (const [key, eventId] of chosen) resolved.set(key, eventId);
  };

  // 2.
  if (conflicted.has(POWER_LEVELS_KEY)) resolveKeys([POWER_LEVELS_KEY], chooseWhileAllowed);
  // 3.
  if (conflicted.has(JOIN_RULES_KEY)) resolveKeys([JOIN_RULES_KEY], chooseWhileAllowed);
  // 4.
  resolveKeys(
    [...conflicted.keys()].filter((key) => splitStateKey(key).type === 'm.room.member'),
    chooseWhileAllowed,
  );
  // 5.
  resolveKeys([...conflicted.keys()], chooseNewestAllowed);
  return resolved;
}

type Choose = (candidates: Candidate[], resolved: StateMap, resolution: Resolution) => string | undefined;

/** By ascending depth, then descending SHA-1 of the event id. */
function sortCandidates(eventIds: Iterable<string>, resolution: Resolution): Candidate[] {
  const candidates: Candidate[] = [];
  for (const eventId of eventIds) {
    const event = resolution.findEvent(eventId);
    if (event !== undefined)
      candidates.push({ eventId, event, depth: numberOf(event.depth) ?? 0, hash: toHex(sha1(new TextEncoder().encode(eventId))) });
  }
  return candidates.sort((a, b) => {
    if (a.depth !== b.depth) return a.depth - b.depth;
    return a.hash > b.hash ? -1 : 1;
  });
}

function chooseWhileAllowed([first, ...others]: Candidate[], resolved: StateMap, resolution: Resolution): string | undefined {
  let chosen = first;
  for (const candidate of others) {
    if (chosen === undefined || !isAllowed(candidate.event, resolved, chosen, resolution)) break;
    chosen = candidate;
  }
  return chosen?.eventId;
}

function chooseNewestAllowed(candidates: Candidate[], resolved: StateMap, resolution: Resolution): string | undefined {
  const allowed = candidates.findLast(({ event }) => isAllowed(event, resolved, undefined, resolution));
  return (allowed ?? candidates[0])?.eventId;
}

/** Whether the state so far, with `chosen` in it, lets an event be. */
function isAllowed(event: Pdu, resolved: StateMap, chosen: Candidate | undefined, resolution: Resolution): boolean {
  const chosenKey = chosen?.event.state_key === undefined ? undefined : stateKeyOf(chosen.event.type, chosen.event.state_key);
  const state: AuthState = {
    find(type, stateKey) {
      const key = stateKeyOf(type, stateKey);
      if (key === chosenKey) return chosen?.event;
      const eventId = resolved.get(key);
      return eventId === undefined ? undefined : resolution.findEvent(eventId);
    },
  };
  return checkAuthRules(event, state, resolution.rules).allowed;
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
