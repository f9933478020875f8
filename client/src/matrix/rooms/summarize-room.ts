import { isJsonObject, type JsonObject, objectIn, stringIn, stringsIn } from '../json.ts';
import type { OutgoingItem } from '../send/outgoing-item.ts';
import { buildTimeline, previewText } from '../timeline/build-timeline.ts';
import type { TimelineItem } from '../timeline/timeline-item.ts';
import { createMemberNames, localpartOf, type MemberNames, readMembership } from './member-names.ts';
import { isEncryptedRoom, type RoomRecord, stateContent, stateEvent } from './room-record.ts';
import type { RoomHero, RoomPreview, RoomSummary } from './room-summary.ts';

/** How many of the newest events are looked at for a preview. */
const MAX_PREVIEW_EVENTS = 30;
/** How many heroes make a name or an avatar. */
const MAX_HEROES = 5;

export type SummaryInput = {
  record: RoomRecord;
  ownUserId: string;
  /** `m.direct`: rooms by user. */
  direct: JsonObject | undefined;
  /** `m.push_rules`. */
  pushRules: JsonObject | undefined;
  outgoing: readonly OutgoingItem[];
};

/** What a room list shows of a room. Pure. */
export function summarizeRoom({ record, ownUserId, direct, pushRules, outgoing }: SummaryInput): RoomSummary {
  const names = createMemberNames(record);
  const heroes = listHeroes(record, ownUserId, names);
  const directUserId = findDirectUser(record, ownUserId, direct);
  const tags = objectIn(record.accountData.get('m.tag'), 'tags');
  const create = stateContent(record, 'm.room.create');
  const membership = stateEvent(record, 'm.room.member', ownUserId);
  const avatarUrl = stringIn(stateContent(record, 'm.room.avatar'), 'url');
  return {
    roomId: record.roomId,
    name: nameOf(record, heroes),
    topic: stringIn(stateContent(record, 'm.room.topic'), 'topic') ?? '',
    avatarUrl: avatarUrl ?? (directUserId === undefined ? undefined : names(directUserId).avatarUrl),
    membership: record.membership,
    isDirect: directUserId !== undefined,
    directUserId,
    isEncrypted: isEncryptedRoom(record),
    isSpace: stringIn(create, 'type') === 'm.space',
    isFavourite: tags !== undefined && 'm.favourite' in tags,
    isLowPriority: tags !== undefined && 'm.lowpriority' in tags,
    isMuted: isMuted(record.roomId, pushRules),
    isMarkedUnread: (record.accountData.get('m.marked_unread') ?? record.accountData.get('com.famedly.marked_unread'))?.['unread'] === true,
    unreadCount: record.unreadCount,
    highlightCount: record.highlightCount,
    joinedMemberCount: record.joinedCount,
    invitedMemberCount: record.invitedCount,
    heroes,
    typingUserIds: record.typing.filter((userId) => userId !== ownUserId),
    lastMessage: previewOf(record, ownUserId, outgoing),
    lastActivityMs: Math.max(record.lastActivityMs, outgoing.at(-1)?.createdAtMs ?? 0),
    inviterUserId: record.membership === 'invite' ? membership?.sender : undefined,
    canonicalAlias: stringIn(stateContent(record, 'm.room.canonical_alias'), 'alias'),
    successorRoomId: stringIn(stateContent(record, 'm.room.tombstone'), 'replacement_room'),
  };
}

/** https://spec.matrix.org/latest/client-server-api/#calculating-the-display-name-for-a-room */
function nameOf(record: RoomRecord, heroes: readonly RoomHero[]): string {
  const given = stringIn(stateContent(record, 'm.room.name'), 'name')?.trim();
  if (given !== undefined && given !== '') return given;
  const alias = stringIn(stateContent(record, 'm.room.canonical_alias'), 'alias');
  return alias ?? heroes.map(({ displayName }) => displayName).join(', ');
}

function listHeroes(record: RoomRecord, ownUserId: string, names: MemberNames): RoomHero[] {
  const others = record.heroes.length > 0 ? record.heroes : listOtherMembers(record, ownUserId);
  return others
    .filter((userId) => userId !== ownUserId)
    .slice(0, MAX_HEROES)
    .map((userId) => ({ userId, ...names(userId) }));
}

function listOtherMembers(record: RoomRecord, ownUserId: string): string[] {
  const present: string[] = [];
  const gone: string[] = [];
  for (const event of record.state.values()) {
    if (event.type !== 'm.room.member' || event.state_key === undefined || event.state_key === ownUserId) continue;
    const membership = readMembership(event.content);
    (membership === 'join' || membership === 'invite' ? present : gone).push(event.state_key);
  }
  const inviter = record.membership === 'invite' ? stateEvent(record, 'm.room.member', ownUserId)?.sender : undefined;
  if (present.length > 0) return present.sort();
  return inviter === undefined ? gone.sort() : [inviter];
}

function findDirectUser(record: RoomRecord, ownUserId: string, direct: JsonObject | undefined): string | undefined {
  for (const userId of Object.keys(direct ?? {})) if (stringsIn(direct, userId).includes(record.roomId)) return userId;
  const ownMember = stateEvent(record, 'm.room.member', ownUserId);
  // An invite says by itself that it is for a direct chat; `m.direct` follows when we join.
  return ownMember?.content['is_direct'] === true && record.membership === 'invite' ? ownMember.sender : undefined;
}

function isMuted(roomId: string, pushRules: JsonObject | undefined): boolean {
  const overrides = objectIn(pushRules, 'global')?.['override'];
  if (!Array.isArray(overrides)) return false;
  return overrides.some((rule) => {
    if (!isJsonObject(rule) || rule['enabled'] === false || stringIn(rule, 'rule_id') !== roomId) return false;
    const { actions } = rule;
    return Array.isArray(actions) && !actions.includes('notify');
  });
}

function previewOf(record: RoomRecord, ownUserId: string, outgoing: readonly OutgoingItem[]): RoomPreview | undefined {
  const items = buildTimeline({
    record: { ...record, timeline: record.timeline.slice(-MAX_PREVIEW_EVENTS) },
    ownUserId,
    outgoing,
    uploadProgress: new Map(),
    extraEvents: new Map(),
    echoKeys: new Map(),
    readMarkerEventId: undefined,
  });
  const last = items.findLast(({ body }) => body.kind !== 'state' && body.kind !== 'membership' && body.kind !== 'unknown');
  return last === undefined ? undefined : toPreview(last);
}

function toPreview(item: TimelineItem): RoomPreview {
  const { kind } = item.body;
  return {
    eventId: item.eventId,
    sender: item.sender,
    senderName: item.senderName === '' ? localpartOf(item.sender) : item.senderName,
    isOwn: item.isOwn,
    timestampMs: item.timestampMs,
    kind: kind === 'state' || kind === 'membership' || kind === 'unknown' ? 'other' : kind,
    text: previewText(item.body),
    delivery: item.delivery,
  };
}
