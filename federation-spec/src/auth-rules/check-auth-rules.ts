import type { Pdu } from '../events/event.ts';
import { eventIdOf } from '../events/event-id.ts';
import { createEventIdOf } from '../events/room-id-of.ts';
import { serverNameOf } from '../identifiers/server-name.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { allow, refuse, type Verdict } from '../verdict.ts';
import type { AuthState } from './auth-state.ts';
import { checkCreate } from './check-create.ts';
import { checkMembership, membershipOf } from './check-membership.ts';
import { checkPowerLevels } from './check-power-levels.ts';
import { namedPowerLevel, powerLevelOf, requiredPowerLevel } from './power-levels.ts';

/**
 * The authorisation rules of a room: may this event be, given this state? The same rules are asked with the event's own auth
 * events, with the state before it, and with the current state of the room. The steps carry the order of the rules; the
 * room version's data says which of them apply.
 *
 * Checked elsewhere, because the state does not answer them: the event's format and size (`checkEventFormat`), its signatures,
 * among them the one that `join_authorised_via_users_server` asks for (`listRequiredSigners`), and whether its list of auth
 * events is in order (`checkAuthEvents`). A third-party invite's signature is checked here, synchronously.
 *
 * @param state finds the create event in every room version, see {@link AuthState}.
 *
 * https://spec.matrix.org/latest/server-server-api/#authorisation-rules, https://spec.matrix.org/latest/rooms/v12/#authorisation-rules
 */
export function checkAuthRules(event: Pdu, state: AuthState, rules: RoomVersionRules): Verdict {
  // 1. The create event is judged by itself.
  if (event.type === 'm.room.create') return checkCreate(event, rules);
  const create = state.find('m.room.create', '');
  if (create === undefined) return refuse('The room has no m.room.create event.');

  // 2. From version 12 on the room id names the create event.
  const inRoom = checkRoomId(event, create, state, rules);
  if (!inRoom.allowed) return inRoom;

  // 3. A room may be closed to other servers.
  if (create.content['m.federate'] === false && serverNameOf(event.sender) !== serverNameOf(create.sender)) {
    return refuse(`The room does not federate, and ${event.sender} is not on the server of ${create.sender}.`);
  }

  // 4. Up to version 5 a server may always set its own aliases.
  if (rules.aliasesAuthRule && event.type === 'm.room.aliases') return checkAliases(event);

  // 5. Memberships have rules of their own.
  if (event.type === 'm.room.member') return checkMembership(event, create, state, rules);

  // 6. Everything else is for members.
  const membership = membershipOf(event.sender, state);
  if (membership !== 'join') return refuse(`${event.sender} is not joined to the room (membership ${membership}).`);

  // 7. Inviting somebody who has no account yet takes the power to invite.
  const senderLevel = powerLevelOf(event.sender, state, rules);
  if (event.type === 'm.room.third_party_invite') {
    const inviteLevel = namedPowerLevel('invite', state, rules);
    return senderLevel >= inviteLevel ? allow() : refuse(tooWeak(event.sender, senderLevel, 'invite', inviteLevel));
  }

  // 8. The event's type asks for a power level.
  const required = requiredPowerLevel({ type: event.type, stateKey: event.state_key }, state, rules);
  if (!(senderLevel >= required)) return refuse(tooWeak(event.sender, senderLevel, `send ${event.type}`, required));

  // 9. A state key that is a user id belongs to that user.
  if (event.state_key?.startsWith('@') && event.state_key !== event.sender) {
    return refuse(`The state key ${event.state_key} belongs to that user, not to ${event.sender}.`);
  }

  // 10. Nobody gives or takes power they do not have.
  if (event.type === 'm.room.power_levels') return checkPowerLevels(event, create, state, rules);

  // 11. In versions 1 and 2 a redaction needs the redact level, or to come from the server of the event it redacts.
  if (rules.redactionAuthRule && event.type === 'm.room.redaction') return checkOldRedaction(event, state, rules);

  return allow();
}

function checkRoomId(event: Pdu, create: Pdu, state: AuthState, rules: RoomVersionRules): Verdict {
  if (!rules.createEventIdIsRoomId) return allow();
  const createEventId = state.createEventId ?? eventIdOf(create, rules);
  if (event.room_id !== undefined && createEventIdOf(event.room_id, rules) === createEventId) return allow();
  return refuse(`The room id ${event.room_id} is not the id of the create event (${createEventId}).`);
}

function checkAliases(event: Pdu): Verdict {
  if (event.state_key === undefined) return refuse('An m.room.aliases event needs a state key.');
  if (event.state_key === serverNameOf(event.sender)) return allow();
  return refuse(`The aliases of ${event.state_key} are not for ${event.sender} to set.`);
}

function checkOldRedaction(event: Pdu, state: AuthState, rules: RoomVersionRules): Verdict {
  const senderLevel = powerLevelOf(event.sender, state, rules);
  const redactLevel = namedPowerLevel('redact', state, rules);
  if (senderLevel >= redactLevel) return allow();
  const target = typeof event.redacts === 'string' ? serverNameOf(event.redacts) : undefined;
  const own = typeof event.event_id === 'string' ? serverNameOf(event.event_id) : undefined;
  if (target !== undefined && target === own) return allow();
  return refuse(tooWeak(event.sender, senderLevel, `redact an event of another server (${event.redacts})`, redactLevel));
}

function tooWeak(userId: string, level: number, action: string, required: number): string {
  return `${userId} has power level ${level}, and to ${action} takes ${required}.`;
}
