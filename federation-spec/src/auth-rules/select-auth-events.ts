import { isJsonObject, type JsonObject } from '../events/event.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';

/** Names one entry of a room's state. */
export type StateKeyPair = { type: string; stateKey: string };

/** What the selection looks at: an event, or the draft of one that has no auth events yet. */
export type AuthEventSelector = { type: string; stateKey?: string | undefined; sender: string; content: JsonObject };

/** Memberships that ask the join rules. */
const MEMBERSHIPS_UNDER_JOIN_RULES: ReadonlySet<unknown> = new Set(['join', 'invite', 'knock']);

/**
 * Which entries of the room's state belong into an event's `auth_events`, without repeats. An entry that the room does not
 * have is simply not cited. The create event needs none.
 *
 * https://spec.matrix.org/latest/server-server-api/#auth-events-selection
 */
export function selectAuthEvents({ type, stateKey, sender, content }: AuthEventSelector, rules: RoomVersionRules): StateKeyPair[] {
  if (type === 'm.room.create') return [];
  const selected: StateKeyPair[] = [];
  if (!rules.createEventIdIsRoomId) selected.push({ type: 'm.room.create', stateKey: '' });
  selected.push({ type: 'm.room.power_levels', stateKey: '' });
  selected.push({ type: 'm.room.member', stateKey: sender });
  if (type !== 'm.room.member') return selected;

  const members = new Set([sender]);
  if (stateKey !== undefined) members.add(stateKey);
  const membership = content['membership'];
  const authorisingUser = content['join_authorised_via_users_server'];
  if (membership === 'join' && rules.restrictedJoins && typeof authorisingUser === 'string') members.add(authorisingUser);
  members.delete(sender);
  for (const member of members) selected.push({ type: 'm.room.member', stateKey: member });

  if (MEMBERSHIPS_UNDER_JOIN_RULES.has(membership)) selected.push({ type: 'm.room.join_rules', stateKey: '' });
  const token = membership === 'invite' ? findThirdPartyToken(content) : undefined;
  if (token !== undefined) selected.push({ type: 'm.room.third_party_invite', stateKey: token });
  return selected;
}

function findThirdPartyToken(content: JsonObject): string | undefined {
  const invite = content['third_party_invite'];
  if (!isJsonObject(invite)) return undefined;
  const signed = invite['signed'];
  if (!isJsonObject(signed)) return undefined;
  const token = signed['token'];
  return typeof token === 'string' ? token : undefined;
}
