import { checkAuthRules } from '../auth-rules/check-auth-rules.ts';
import { listAuthEventIds } from '../events/edges.ts';
import type { Pdu } from '../events/event.ts';
import { stateKeyOf } from '../events/state-key.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { listFullConflictedSet } from './full-conflicted-set.ts';
import { sortByMainline } from './mainline-ordering.ts';
import { sortByPower } from './power-ordering.ts';
import { splitConflicts } from './split-conflicts.ts';
import {
  authStateDuringResolution,
  createResolution,
  POWER_LEVELS_KEY,
  type Resolution,
  type StateLookups,
  type StateMap,
} from './state-lookups.ts';

/**
 * State resolution of room versions 2 to 11, and its version 2.1 of room version 12.
 *
 * 1. Take the power events among the full conflicted set, with what authorises them, in reverse topological power order.
 * 2. Replay them: onto the unconflicted state in version 2, onto nothing in version 2.1.
 * 3. Order the rest by the mainline of the power levels that came out.
 * 4. Replay it.
 * 5. What the states agreed on stands.
 *
 * https://spec.matrix.org/latest/rooms/v2/#algorithm, https://spec.matrix.org/latest/rooms/v12/#algorithm
 */
export function resolveStateV2(stateSets: readonly StateMap[], lookups: StateLookups, rules: RoomVersionRules): Map<string, string> {
  const conflicts = splitConflicts(stateSets);
  if (conflicts.conflicted.size === 0) return conflicts.unconflicted;
  const resolution = createResolution(lookups, rules);
  const full = listFullConflictedSet({ stateSets, conflicts, lookups, resolution });

  // 1.
  const powerEvents = listPowerEvents(full, resolution);
  // 2.
  const resolved = new Map(rules.stateResolution === 'v2.1' ? [] : conflicts.unconflicted);
  replay(sortByPower(powerEvents, resolution), resolved, resolution);
  // 3.
  const rest = [...full].filter((eventId) => !powerEvents.has(eventId));
  const sorted = sortByMainline(rest, resolved.get(POWER_LEVELS_KEY), resolution);
  // 4.
  replay(sorted, resolved, resolution);
  // 5.
  for (const [key, eventId] of conflicts.unconflicted) resolved.set(key, eventId);
  return resolved;
}

/** The power events of the full conflicted set, and the events of the set that they rest on by way of others in it. */
function listPowerEvents(full: ReadonlySet<string>, resolution: Resolution): Set<string> {
  const found = new Set<string>();
  const stack: string[] = [];
  for (const eventId of full) {
    const event = resolution.findEvent(eventId);
    if (event !== undefined && isPowerEvent(event)) stack.push(eventId);
  }
  for (let eventId = stack.pop(); eventId !== undefined; eventId = stack.pop()) {
    if (found.has(eventId)) continue;
    found.add(eventId);
    const event = resolution.findEvent(eventId);
    if (event === undefined) continue;
    for (const cited of listAuthEventIds(event)) if (full.has(cited) && !found.has(cited)) stack.push(cited);
  }
  return found;
}

/**
 * True for an event that may take from somebody what they could do: power levels, join rules, a kick, a ban.
 *
 * https://spec.matrix.org/latest/rooms/v2/#definitions
 */
function isPowerEvent(event: Pdu): boolean {
  if (event.type === 'm.room.power_levels' || event.type === 'm.room.join_rules') return event.state_key === '';
  if (event.type !== 'm.room.member' || event.state_key === undefined || event.sender === event.state_key) return false;
  const membership = event.content['membership'];
  return membership === 'leave' || membership === 'ban';
}

/** The iterative auth checks: each event in turn becomes state when the state so far lets it. */
function replay(eventIds: readonly string[], resolved: Map<string, string>, resolution: Resolution): void {
  for (const eventId of eventIds) {
    const event = resolution.findEvent(eventId);
    if (event?.state_key === undefined) continue;
    const verdict = checkAuthRules(event, authStateDuringResolution(event, resolved, resolution), resolution.rules);
    if (verdict.allowed) resolved.set(stateKeyOf(event.type, event.state_key), eventId);
  }
}
