import { listPrevEventIds } from '../events/edges.ts';
import type { Pdu } from '../events/event.ts';
import { eventIdOf } from '../events/event-id.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { allow, refuse, type Verdict } from '../verdict.ts';
import type { AuthState } from './auth-state.ts';
import { checkThirdPartyInvite } from './check-third-party-invite.ts';
import { namedPowerLevel, powerLevelOf } from './power-levels.ts';
import { findRoomCreator } from './room-creators.ts';

/** What is known when a membership is judged. `target` is the user in the state key. */
type Change = { event: Pdu; target: string; create: Pdu; state: AuthState; rules: RoomVersionRules };

/**
 * A user's membership in this state: what their member event says, `leave` without one, and an empty text when their
 * member event says nothing readable.
 */
export function membershipOf(userId: string, state: AuthState): string {
  const member = state.find('m.room.member', userId);
  if (member === undefined) return 'leave';
  const membership = member.content['membership'];
  return typeof membership === 'string' ? membership : '';
}

/** The room's join rule in this state; `invite` while the room has none. */
export function joinRuleOf(state: AuthState): string {
  const joinRules = state.find('m.room.join_rules', '');
  if (joinRules === undefined) return 'invite';
  const rule = joinRules.content['join_rule'];
  return typeof rule === 'string' ? rule : '';
}

/**
 * Rule 5 (4 from version 6 to 11): who may change whose membership to what.
 *
 * https://spec.matrix.org/latest/rooms/v12/#authorisation-rules
 */
export function checkMembership(event: Pdu, create: Pdu, state: AuthState, rules: RoomVersionRules): Verdict {
  if (event.state_key === undefined) return refuse('An m.room.member event needs a state key.');
  const change: Change = { event, target: event.state_key, create, state, rules };
  const membership = event.content['membership'];
  switch (membership) {
    case 'join':
      return checkJoin(change);
    case 'invite':
      return checkInvite(change);
    case 'leave':
      return checkLeave(change);
    case 'ban':
      return checkBan(change);
    case 'knock':
      if (rules.knocking) return checkKnock(change);
      break;
  }
  return refuse(membership === undefined ? 'The content has no membership.' : `The membership ${JSON.stringify(membership)} is not known.`);
}

function checkJoin({ event, target, create, state, rules }: Change): Verdict {
  // 1. The creator's first join follows the create event and nothing else.
  if (followsOnly(event, create, state, rules) && target === findRoomCreator(create, rules)) return allow();

  // 2. Nobody joins for another.
  if (event.sender !== target) return refuse(`${event.sender} cannot join for ${target}.`);

  // 3. The banned stay out.
  const membership = membershipOf(target, state);
  if (membership === 'ban') return refuse(`${target} is banned from the room.`);

  // 4–7. The join rule decides.
  const isKnown = membership === 'invite' || membership === 'join';
  const joinRule = joinRuleOf(state);
  if (joinRule === 'public') return allow();
  if (joinRule === 'invite' || (joinRule === 'knock' && rules.knocking)) {
    return isKnown ? allow() : refuse(`The room is joined by invitation, and ${target} has none (join rule ${joinRule}).`);
  }
  if ((joinRule === 'restricted' && rules.restrictedJoins) || (joinRule === 'knock_restricted' && rules.knockRestrictedJoins)) {
    return isKnown ? allow() : checkAuthorisingUser(event, state, rules);
  }
  return refuse(`The join rule ${JSON.stringify(joinRule)} lets nobody in.`);
}

function followsOnly(event: Pdu, create: Pdu, state: AuthState, rules: RoomVersionRules): boolean {
  const [first, ...others] = listPrevEventIds(event);
  return first !== undefined && others.length === 0 && first === (state.createEventId ?? eventIdOf(create, rules));
}

/** A member with the power to invite vouches for a join to a restricted room; their server signs it. */
function checkAuthorisingUser(event: Pdu, state: AuthState, rules: RoomVersionRules): Verdict {
  const userId = event.content['join_authorised_via_users_server'];
  if (typeof userId !== 'string') return refuse(`The room is restricted, and no member vouches for ${event.sender}.`);
  if (membershipOf(userId, state) !== 'join') return refuse(`${userId}, who vouches for ${event.sender}, is not in the room.`);
  if (powerLevelOf(userId, state, rules) >= namedPowerLevel('invite', state, rules)) return allow();
  return refuse(`${userId}, who vouches for ${event.sender}, may not invite.`);
}

function checkInvite(change: Change): Verdict {
  const { event, target, state } = change;
  // 1. An invitation by e-mail address or phone number, redeemed.
  if (event.content['third_party_invite'] !== undefined) {
    if (membershipOf(target, state) === 'ban') return refuse(`${target} is banned from the room.`);
    return checkThirdPartyInvite(event, target, state);
  }
  // 2–5.
  const joined = checkSenderIsJoined(change);
  if (!joined.allowed) return joined;
  const membership = membershipOf(target, state);
  if (membership === 'join' || membership === 'ban') return refuse(`${target} cannot be invited (membership ${membership}).`);
  return checkLevel(change, 'invite');
}

function checkLeave(change: Change): Verdict {
  const { event, target, state, rules } = change;
  const membership = membershipOf(target, state);
  // 1. One may leave, decline an invitation, take back a knock.
  if (event.sender === target) {
    const canLeave = membership === 'join' || membership === 'invite' || (membership === 'knock' && rules.knocking);
    return canLeave ? allow() : refuse(`${target} is not in the room (membership ${membership}).`);
  }
  // 2–5. A kick, or lifting a ban.
  const joined = checkSenderIsJoined(change);
  if (!joined.allowed) return joined;
  if (membership === 'ban') {
    const mayUnban = checkLevel(change, 'ban');
    if (!mayUnban.allowed) return mayUnban;
  }
  const mayKick = checkLevel(change, 'kick');
  return mayKick.allowed ? checkOutranks(change) : mayKick;
}

function checkBan(change: Change): Verdict {
  const joined = checkSenderIsJoined(change);
  if (!joined.allowed) return joined;
  const mayBan = checkLevel(change, 'ban');
  return mayBan.allowed ? checkOutranks(change) : mayBan;
}

function checkKnock({ event, target, state, rules }: Change): Verdict {
  const joinRule = joinRuleOf(state);
  const mayKnock = joinRule === 'knock' || (joinRule === 'knock_restricted' && rules.knockRestrictedJoins);
  if (!mayKnock) return refuse(`The join rule ${JSON.stringify(joinRule)} does not let anybody knock.`);
  if (event.sender !== target) return refuse(`${event.sender} cannot knock for ${target}.`);
  const membership = membershipOf(target, state);
  const isPastKnocking = membership === 'ban' || membership === 'invite' || membership === 'join';
  return isPastKnocking ? refuse(`${target} cannot knock (membership ${membership}).`) : allow();
}

function checkSenderIsJoined({ event, state }: Change): Verdict {
  const membership = membershipOf(event.sender, state);
  return membership === 'join' ? allow() : refuse(`${event.sender} is not joined to the room (membership ${membership}).`);
}

function checkLevel({ event, state, rules }: Change, action: 'invite' | 'kick' | 'ban'): Verdict {
  const level = powerLevelOf(event.sender, state, rules);
  const required = namedPowerLevel(action, state, rules);
  return level >= required ? allow() : refuse(`${event.sender} has power level ${level}, and to ${action} takes ${required}.`);
}

function checkOutranks({ event, target, state, rules }: Change): Verdict {
  const level = powerLevelOf(event.sender, state, rules);
  const targetLevel = powerLevelOf(target, state, rules);
  return targetLevel < level ? allow() : refuse(`${target} has power level ${targetLevel}, and ${event.sender} only ${level}.`);
}
