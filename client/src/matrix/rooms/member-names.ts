import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { stringIn } from '../json.ts';
import type { Membership } from './membership.ts';
import { CREATOR_POWER_LEVEL, powerLevelOf, roleOf } from './power-levels.ts';
import type { RoomMember } from './room-member.ts';
import type { RoomRecord } from './room-record.ts';

const MEMBER_PREFIX = stateKeyOf('m.room.member', '');
const MEMBERSHIPS: ReadonlySet<string> = new Set<Membership>(['join', 'invite', 'knock', 'leave', 'ban']);

export type MemberName = { displayName: string; avatarUrl: string | undefined };

/** Looks up how to show a member. */
export type MemberNames = (userId: string) => MemberName;

/**
 * Names for all members known. Two present members with the same name are told apart by their ids.
 * https://spec.matrix.org/latest/client-server-api/#calculating-the-display-name-for-a-user
 */
export function createMemberNames(record: RoomRecord): MemberNames {
  const sharedNames = listSharedNames(record);
  return (userId) => {
    const content = record.state.get(MEMBER_PREFIX + userId)?.content;
    const own = cleanName(stringIn(content, 'displayname'));
    const avatarUrl = stringIn(content, 'avatar_url');
    if (own === undefined) return { displayName: localpartOf(userId), avatarUrl };
    return { displayName: sharedNames.has(own) ? `${own} (${userId})` : own, avatarUrl };
  };
}

/** `romeo` of `@romeo:example.org`: shown where somebody has no name. */
export function localpartOf(userId: string): string {
  return parseUserId(userId)?.localpart || userId;
}

/** All members known, the mighty first, then by name. */
export function listMembers(record: RoomRecord, memberships: readonly Membership[] = ['join', 'invite']): RoomMember[] {
  const names = createMemberNames(record);
  const members: RoomMember[] = [];
  for (const [id, event] of record.state) {
    if (!id.startsWith(MEMBER_PREFIX)) continue;
    const userId = id.slice(MEMBER_PREFIX.length);
    const membership = readMembership(event.content);
    if (membership === undefined || !memberships.includes(membership)) continue;
    const powerLevel = powerLevelOf(record, userId);
    members.push({ userId, ...names(userId), membership, powerLevel, role: roleOf(powerLevel) });
  }
  return members.sort((a, b) => byPower(a, b) || a.displayName.localeCompare(b.displayName) || (a.userId < b.userId ? -1 : 1));
}

function byPower(a: RoomMember, b: RoomMember): number {
  if (a.powerLevel === b.powerLevel) return 0;
  if (a.powerLevel === CREATOR_POWER_LEVEL) return -1;
  return b.powerLevel === CREATOR_POWER_LEVEL ? 1 : b.powerLevel - a.powerLevel;
}

export function readMembership(content: unknown): Membership | undefined {
  const membership = stringIn(content, 'membership');
  return membership !== undefined && MEMBERSHIPS.has(membership) ? (membership as Membership) : undefined;
}

function listSharedNames(record: RoomRecord): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const [id, event] of record.state) {
    if (!id.startsWith(MEMBER_PREFIX)) continue;
    const membership = stringIn(event.content, 'membership');
    const name = cleanName(stringIn(event.content, 'displayname'));
    if (name === undefined || (membership !== 'join' && membership !== 'invite')) continue;
    if (seen.has(name)) shared.add(name);
    seen.add(name);
  }
  return shared;
}

/** Without characters that turn or hide text: they serve only to look like somebody else. */
function cleanName(name: string | undefined): string | undefined {
  const cleaned = name?.replace(/[\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '').trim();
  return cleaned === undefined || cleaned === '' ? undefined : cleaned;
}
