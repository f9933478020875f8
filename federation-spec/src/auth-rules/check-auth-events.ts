import { listAuthEventIds } from '../events/edges.ts';
import type { Pdu } from '../events/event.ts';
import { stateKeyOf } from '../events/state-key.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { allow, refuse, type Verdict } from '../verdict.ts';
import { selectAuthEvents } from './select-auth-events.ts';

/** An event that another one cites as its authority, and whether we rejected it. */
export type AuthEvent = { event: Pdu; isRejected: boolean };

/**
 * Rule 2 (3 in version 12): whether an event's list of auth events is in order, whatever they say. `authEvents` are the events
 * that `event.auth_events` names, in any order.
 *
 * https://spec.matrix.org/latest/rooms/v12/#authorisation-rules
 */
export function checkAuthEvents(event: Pdu, authEvents: readonly AuthEvent[], rules: RoomVersionRules): Verdict {
  if (event.type === 'm.room.create') return allow();
  const { type, sender, content } = event;
  const selected = new Set(
    selectAuthEvents({ type, stateKey: event.state_key, sender, content }, rules).map((pair) => stateKeyOf(pair.type, pair.stateKey)),
  );
  const ids = listAuthEventIds(event);
  if (new Set(ids).size < ids.length) return refuse('An auth event is named twice.');
  const seen = new Set<string>();
  for (const { event: cited, isRejected } of authEvents) {
    const name = `${cited.type} ${JSON.stringify(cited.state_key)}`;
    if (cited.state_key === undefined) return refuse(`An auth event is no state event (${cited.type}).`);
    const key = stateKeyOf(cited.type, cited.state_key);
    if (seen.has(key)) return refuse(`Two auth events are ${name}.`);
    if (!selected.has(key)) return refuse(`The auth event ${name} does not belong to an event of this type.`);
    if (isRejected) return refuse(`The auth event ${name} was rejected.`);
    if (cited.room_id !== event.room_id) return refuse(`The auth event ${name} is of another room (${cited.room_id}).`);
    seen.add(key);
  }
  if (!rules.createEventIdIsRoomId && !seen.has(stateKeyOf('m.room.create', '')))
    return refuse('No auth event is the m.room.create event.');
  return allow();
}
