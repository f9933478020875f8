import type { AuthState } from '../auth-rules/auth-state.ts';
import { listAuthEventIds } from '../events/edges.ts';
import type { Pdu } from '../events/event.ts';
import { createEventIdOf } from '../events/room-id-of.ts';
import { stateKeyOf } from '../events/state-key.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';

/**
 * What state resolution asks of whoever stores the events. All answers are synchronous: load what is needed first (the
 * conflicted events and the auth chains of the states), or answer from memory.
 */
export type StateLookups = {
  /** The event with this id. What is not found counts as absent: it is neither state nor anybody's authority. */
  findEvent(eventId: string): Pdu | undefined;
  /** True for an event we rejected: it authorises nothing. Nothing is rejected by default. */
  isRejected?(eventId: string): boolean;
  /**
   * The auth difference of the states, from an index over the auth chains when there is one; every event a state holds counts
   * as part of that state's chain. Computed from the events otherwise.
   */
  listAuthDifference?(stateSets: readonly StateMap[]): Iterable<string>;
  /** The events on paths of auth events between any two of these, likewise. */
  listConflictedSubgraph?(conflicted: ReadonlySet<string>): Iterable<string>;
};

/** Room state: the text key of (type, state key), see `stateKeyOf`, to the event's id. */
export type StateMap = ReadonlyMap<string, string>;

/** {@link StateLookups} with each event asked for once, and the room's version. */
export type Resolution = {
  rules: RoomVersionRules;
  findEvent(eventId: string): Pdu | undefined;
  isRejected(eventId: string): boolean;
};

export const CREATE_KEY = stateKeyOf('m.room.create', '');
export const POWER_LEVELS_KEY = stateKeyOf('m.room.power_levels', '');
export const JOIN_RULES_KEY = stateKeyOf('m.room.join_rules', '');

export function createResolution(lookups: StateLookups, rules: RoomVersionRules): Resolution {
  const known = new Map<string, Pdu | undefined>();
  return {
    rules,
    findEvent(eventId) {
      if (known.has(eventId)) return known.get(eventId);
      const event = lookups.findEvent(eventId);
      known.set(eventId, event);
      return event;
    },
    isRejected: (eventId) => lookups.isRejected?.(eventId) ?? false,
  };
}

/** The id of the create event that an event's room is named for; `undefined` in versions whose room ids say nothing. */
export function createEventIdFromRoomId(event: Pdu, rules: RoomVersionRules): string | undefined {
  return event.room_id === undefined ? undefined : createEventIdOf(event.room_id, rules);
}

/**
 * The state an event is judged by during resolution: what is resolved so far, and where that has no entry, the event's own auth
 * events that were not rejected.
 */
export function authStateDuringResolution(event: Pdu, resolved: StateMap, resolution: Resolution): AuthState {
  const byKey = new Map<string, string>();
  for (const eventId of listAuthEventIds(event)) {
    const cited = resolution.findEvent(eventId);
    if (cited?.state_key === undefined || resolution.isRejected(eventId)) continue;
    byKey.set(stateKeyOf(cited.type, cited.state_key), eventId);
  }
  const implied = createEventIdFromRoomId(event, resolution.rules);
  if (implied !== undefined) byKey.set(CREATE_KEY, implied);
  const createEventId = resolved.get(CREATE_KEY) ?? byKey.get(CREATE_KEY);
  return {
    find(type, stateKey) {
      const key = stateKeyOf(type, stateKey);
      const eventId = resolved.get(key) ?? byKey.get(key);
      return eventId === undefined ? undefined : resolution.findEvent(eventId);
    },
    ...(createEventId === undefined ? {} : { createEventId }),
  };
}
