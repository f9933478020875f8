import { type AuthState, createAuthState } from 'federation-spec/auth-rules/auth-state.ts';
import { checkAuthEvents } from 'federation-spec/auth-rules/check-auth-events.ts';
import { checkAuthRules } from 'federation-spec/auth-rules/check-auth-rules.ts';
import { type StateKeyPair, selectAuthEvents } from 'federation-spec/auth-rules/select-auth-events.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Verdict } from 'federation-spec/verdict.ts';
import type { StoredEvent } from '../../../storage/events.ts';
import { isName } from '../../../storage/relation-of.ts';
import type { HotRoom } from '../hot-room.ts';
import { readPdu } from '../read-pdu.ts';

const CREATE = 'm.room.create';
/** The rules judge a create event by itself; but what began the room cannot be replaced. */
export const SECOND_CREATE: Verdict = { allowed: false, reason: 'The room has another m.room.create event.' };

/** Which entries of a state the auth rules may ask for when they judge an event. */
export function listNeededState(event: Pdu, rules: RoomVersionRules): StateKeyPair[] {
  // What the content names need be no name at all; then the state has nothing under it.
  return listNamedState(event, rules).filter(({ stateKey }) => stateKey === '' || isName(stateKey));
}

function listNamedState(event: Pdu, rules: RoomVersionRules): StateKeyPair[] {
  const { type, state_key: stateKey, sender, content } = event;
  const pairs = selectAuthEvents({ type, stateKey, sender, content }, rules);
  const isListed = pairs.some((pair) => pair.type === CREATE);
  return isListed || type === CREATE ? pairs : [...pairs, { type: CREATE, stateKey: '' }];
}

/** The members among those entries, with the one the event is about. */
export function listNeededMembers(event: Pdu, rules: RoomVersionRules): string[] {
  const members = listNamedState(event, rules).flatMap((pair) => (pair.type === 'm.room.member' ? [pair.stateKey] : []));
  return event.type === 'm.room.member' && event.state_key !== undefined ? [...members, event.state_key] : members;
}

/** An auth event as the check needs it: rejected ones allow nothing. */
export type KnownEvent = Pick<StoredEvent, 'eventNid' | 'kind' | 'eventId'> & { event: Pdu };

/**
 * Step 4: whether the event's own auth events allow it. `create` is the room's create event, which from version 12 on is not named.
 * https://spec.matrix.org/latest/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export function checkByAuthEvents(
  event: Pdu,
  authEvents: readonly KnownEvent[],
  create: Pdu | undefined,
  rules: RoomVersionRules,
): Verdict {
  if (event.type === CREATE && create !== undefined && eventIdOf(event, rules) !== eventIdOf(create, rules)) return SECOND_CREATE;
  const list = checkAuthEvents(
    event,
    authEvents.map((known) => ({ event: known.event, isRejected: known.kind === 'rejected' })),
    rules,
  );
  if (!list.allowed) return list;
  return checkAuthRules(
    event,
    authStateOf(
      authEvents.map((known) => known.event),
      create,
      rules,
    ),
    rules,
  );
}

/** Those events as a state, with the create event where the version leaves it out of the auth events. */
export function authStateOf(events: readonly Pdu[], create: Pdu | undefined, rules: RoomVersionRules): AuthState {
  return createAuthState(create !== undefined && rules.createEventIdIsRoomId ? [create, ...events] : events);
}

/** Of the events with these ids, those which are current state of the room: memory knows them. The needed members must be present in it. */
export function listCurrent(room: HotRoom, event: Pdu, eventIds: readonly string[]): KnownEvent[] {
  const entries = listNeededState(event, room.rules).flatMap(({ type, stateKey }) => room.findEntry(type, stateKey) ?? []);
  const named = entries.filter((entry) => eventIds.includes(entry.eventId));
  return named.map(({ eventNid, eventId, event: held }) => ({ eventNid, eventId, kind: 'timeline', event: held }));
}

export function toKnownEvent(stored: StoredEvent): KnownEvent {
  return { eventNid: stored.eventNid, eventId: stored.eventId, kind: stored.kind, event: readPdu(stored.json) };
}

/** The state, with memberships that it does not know taken from the event's own auth events: for rooms whose members are not all known yet. */
export function supplementState(state: AuthState, authEvents: readonly Pdu[]): AuthState {
  if (authEvents.length === 0) return state;
  const own = createAuthState(authEvents.filter((event) => event.type === 'm.room.member'));
  return {
    ...(state.createEventId === undefined ? {} : { createEventId: state.createEventId }),
    find: (type, stateKey) => state.find(type, stateKey) ?? own.find(type, stateKey),
  };
}
