import { createNotificationPermission } from 'federation-spec/push-rules/push-context.ts';
import { objectIn, stringIn, stringsIn } from '../json.ts';
import { createMemberNames, type MemberNames } from '../rooms/member-names.ts';
import { permissionsOf, stateOf } from '../rooms/power-levels.ts';
import { isEncryptedRoom, type ReceiptPosition, type RoomRecord, rulesOf } from '../rooms/room-record.ts';
import type { OutgoingItem } from '../send/outgoing-item.ts';
import type { Delivery } from './delivery.ts';
import { foldRelations, type Reaction, type RelatingEvent, type Relations } from './fold-relations.ts';
import { readBody } from './read-body.ts';
import { contentOf, isRedacted, relationOf, repliedEventId, type StoredEvent, typeOf } from './stored-event.ts';
import type { EventTrust, MediaBody, ReactionGroup, ReadReceipt, ReplyPreview, TimelineBody, TimelineItem } from './timeline-item.ts';

const MAX_PREVIEW_CHARACTERS = 200;
/** Message-like types that are no lines of their own. */
const HIDDEN_TYPES =
  /^(m\.reaction|m\.room\.redaction|m\.key\.verification\..*|m\.call\..*|(m|org\.matrix\.msc3381)\.poll\.(response|end)|org\.matrix\.call\..*)$/;
const LOCAL_ID_PREFIX = '~';

export type TimelineInput = {
  record: RoomRecord;
  ownUserId: string;
  /** What waits to be sent in this room, in order. */
  outgoing: readonly OutgoingItem[];
  /** Upload of an outgoing file: 0 to 1, by transaction id. */
  uploadProgress: ReadonlyMap<string, number>;
  /** Events from elsewhere that replies point at. */
  extraEvents: ReadonlyMap<string, StoredEvent>;
  /** The key that an own event had as a local echo, by event id. */
  echoKeys: ReadonlyMap<string, string>;
  /** Where the read marker stood when the room was opened. */
  readMarkerEventId: string | undefined;
};

type Context = TimelineInput & {
  names: MemberNames;
  relations: Relations;
  byId: ReadonlyMap<string, StoredEvent>;
  canRedactOthers: boolean;
  canReact: boolean;
  canSend: boolean;
};

/** Makes what a view shows out of a room's events and what waits to be sent. Pure: the same input gives the same items. */
export function buildTimeline(input: TimelineInput): TimelineItem[] {
  const { record, outgoing } = input;
  const arrived = new Set(record.timeline.map(({ event }) => event.event_id));
  const echoes = outgoing.filter(({ eventId }) => eventId === undefined || !arrived.has(eventId));
  const remote: RelatingEvent[] = record.timeline.map((stored) => ({ ...stored, isEcho: false }));
  const local: RelatingEvent[] = echoes.map((item) => toEchoEvent(item, input.ownUserId));
  const all = [...remote, ...local];
  const permissions = permissionsOf(record, input.ownUserId);
  const context: Context = {
    ...input,
    names: createMemberNames(record),
    relations: foldRelations(all),
    byId: new Map(all.map((stored) => [stored.event.event_id, stored])),
    canRedactOthers: permissions.redactOthers,
    canReact: permissions.react,
    canSend: permissions.sendMessages,
  };

  const positions = readPositions(context, remote);
  const items = remote.flatMap((stored, at) => (isShown(stored) ? [toItem(stored, at, context, positions)] : []));
  placeReceipts(items, remote, context);
  placeReadMarker(items, remote, input.readMarkerEventId);
  const waiting = echoes.flatMap((item, at) => {
    const stored = local[at];
    return stored !== undefined && isShown(stored) ? [toEchoItem(item, stored, context)] : [];
  });
  return withUniqueKeys([...items, ...waiting]);
}

/** A server that repeats a transaction id must not make a list show one line twice. */
function withUniqueKeys(items: TimelineItem[]): TimelineItem[] {
  const taken = new Set<string>();
  return items.map((item, at) => {
    const isTaken = taken.has(item.key);
    const key = isTaken ? `${item.key} ${at}` : item.key;
    taken.add(key);
    return isTaken ? { ...item, key } : item;
  });
}

/** Whether an event is a line of its own. */
export function isShown(stored: StoredEvent): boolean {
  const type = typeOf(stored);
  if (stored.event.state_key !== undefined) return true;
  if (HIDDEN_TYPES.test(type)) return false;
  if (isRedacted(stored) && type === 'm.room.encrypted' && relationOf(stored) !== undefined) return false;
  return relationOf(stored)?.type !== 'm.replace' && !(relationOf(stored)?.type === 'm.annotation' && stored.clear === undefined);
}

function toItem(stored: StoredEvent, at: number, context: Context, positions: Positions): TimelineItem {
  const { event } = stored;
  const edit = context.relations.edits.get(event.event_id);
  const isOwn = event.sender === context.ownUserId;
  const body = readBody(stored, context.names, edit?.content);
  return {
    ...commonParts(stored, body, context),
    key: context.echoKeys.get(event.event_id) ?? (isOwn ? stringIn(event.unsigned, 'transaction_id') : undefined) ?? event.event_id,
    eventId: event.event_id,
    delivery: isOwn && event.state_key === undefined ? deliveryAt(at, positions) : undefined,
    failure: undefined,
    editedAtMs: edit?.atMs,
    reactions: groupReactions(context.relations.reactions.get(event.event_id) ?? [], context.ownUserId),
    threadReplyCount: threadReplyCount(stored, context.relations),
    trust: trustOf(stored, context),
    isHighlight: !isOwn && mentions(stored, context),
    can: abilities(stored, body, isOwn, context),
  };
}

function toEchoItem(item: OutgoingItem, stored: StoredEvent, context: Context): TimelineItem {
  const body = readBody(stored, context.names);
  return {
    ...commonParts(stored, item.media === undefined ? body : toLocalMedia(item, context), context),
    key: item.txnId,
    eventId: item.eventId,
    delivery: item.state === 'failed' ? 'failed' : item.state === 'sent' ? 'sent' : 'sending',
    failure: item.failure,
    editedAtMs: undefined,
    reactions: [],
    threadReplyCount: 0,
    trust: { shield: 'none' },
    isHighlight: false,
    can: { reply: false, react: false, edit: false, redact: false },
  };
}

type CommonParts =
  | 'roomId'
  | 'sender'
  | 'senderName'
  | 'senderAvatarUrl'
  | 'isOwn'
  | 'timestampMs'
  | 'body'
  | 'replyTo'
  | 'threadRootId'
  | 'readBy'
  | 'isReadMarker';

function commonParts(stored: StoredEvent, body: TimelineBody, context: Context): Pick<TimelineItem, CommonParts> {
  const { event } = stored;
  const { displayName, avatarUrl } = context.names(event.sender);
  const relation = relationOf(stored);
  return {
    roomId: context.record.roomId,
    sender: event.sender,
    senderName: displayName,
    senderAvatarUrl: avatarUrl,
    isOwn: event.sender === context.ownUserId,
    timestampMs: event.origin_server_ts,
    body,
    replyTo: replyPreview(repliedEventId(stored), context),
    threadRootId: relation?.type === 'm.thread' ? relation.eventId : undefined,
    readBy: [],
    isReadMarker: false,
  };
}

function toEchoEvent(item: OutgoingItem, ownUserId: string): RelatingEvent {
  return {
    event: {
      event_id: item.eventId ?? LOCAL_ID_PREFIX + item.txnId,
      type: item.type,
      sender: ownUserId,
      origin_server_ts: item.createdAtMs,
      content: item.content,
    },
    isEcho: true,
  };
}

function toLocalMedia({ media, content, txnId }: OutgoingItem, { uploadProgress }: Context): TimelineBody {
  if (media === undefined) return { kind: 'unknown', type: '', fallback: undefined };
  const body: MediaBody = {
    kind: media.kind,
    source: { encrypted: false, url: stringIn(content, 'url') ?? '' },
    thumbnail: undefined,
    fileName: media.fileName,
    caption: media.caption,
    captionHtml: media.captionHtml,
    info: {
      mimeType: media.mimeType,
      sizeBytes: media.blob.size,
      widthPx: media.widthPx,
      heightPx: media.heightPx,
      durationMs: media.durationMs,
      blurhash: media.blurhash,
    },
    voice: media.voice,
    uploadProgress: uploadProgress.get(txnId) ?? 0,
    localBlob: media.blob,
  };
  return body;
}

function replyPreview(eventId: string | undefined, context: Context): ReplyPreview | undefined {
  if (eventId === undefined) return undefined;
  const answered = context.byId.get(eventId) ?? context.extraEvents.get(eventId);
  if (answered === undefined) return { eventId, sender: undefined, senderName: undefined, text: undefined };
  const { sender } = answered.event;
  const body = readBody(answered, context.names, context.relations.edits.get(eventId)?.content);
  return { eventId, sender, senderName: context.names(sender).displayName, text: previewText(body).slice(0, MAX_PREVIEW_CHARACTERS) };
}

/** A body in one line of plain text; empty where the UI must find the words. */
export function previewText(body: TimelineBody): string {
  switch (body.kind) {
    case 'text':
    case 'emote':
    case 'notice':
    case 'sticker':
    case 'location':
      return body.text.replace(/\s+/g, ' ').trim();
    case 'image':
    case 'video':
    case 'audio':
    case 'file':
      return body.caption ?? body.fileName;
    case 'poll':
      return body.question;
    case 'unknown':
      return body.fallback ?? '';
    default:
      return '';
  }
}

function groupReactions(reactions: readonly Reaction[], ownUserId: string): ReactionGroup[] {
  const groups = new Map<string, { key: string; senders: string[]; ownEventId: string | undefined; isOwn: boolean }>();
  for (const { key, sender, eventId, isEcho } of reactions) {
    const group = groups.get(key) ?? { key, senders: [], ownEventId: undefined, isOwn: false };
    group.senders.push(sender);
    if (sender === ownUserId) {
      group.isOwn = true;
      group.ownEventId = isEcho ? undefined : eventId;
    }
    groups.set(key, group);
  }
  return [...groups.values()];
}

function threadReplyCount(stored: StoredEvent, relations: Relations): number {
  const bundled = objectIn(objectIn(stored.event.unsigned, 'm.relations'), 'm.thread')?.['count'];
  return Math.max(relations.threadReplies.get(stored.event.event_id) ?? 0, typeof bundled === 'number' ? bundled : 0);
}

function trustOf(stored: StoredEvent, { record }: Context): EventTrust {
  if (stored.clear !== undefined) return stored.clear.trust;
  const isClear = stored.event.type !== 'm.room.encrypted' && stored.event.state_key === undefined && !isRedacted(stored);
  const encryption = record.state.get('m.room.encryption\u0000');
  const sentAfter = encryption !== undefined && stored.event.origin_server_ts > encryption.origin_server_ts;
  return isClear && isEncryptedRoom(record) && sentAfter ? { shield: 'red', reason: 'sent-in-clear' } : { shield: 'none' };
}

/** By name, or with everybody in the room, by someone who may call them all. https://spec.matrix.org/latest/client-server-api/#user-and-room-mentions */
function mentions(stored: StoredEvent, { record, ownUserId }: Context): boolean {
  const named = objectIn(contentOf(stored), 'm.mentions');
  if (stringsIn(named, 'user_ids').includes(ownUserId)) return true;
  return named?.['room'] === true && createNotificationPermission(stored.event.sender, stateOf(record), rulesOf(record))('room');
}

function abilities(stored: StoredEvent, body: TimelineBody, isOwn: boolean, context: Context): TimelineItem['can'] {
  const isMessage = stored.event.state_key === undefined && body.kind !== 'redacted';
  const isReadable = isMessage && body.kind !== 'undecryptable';
  const isText = body.kind === 'text' || body.kind === 'emote' || body.kind === 'notice';
  return {
    reply: isReadable && context.canSend,
    react: isReadable && context.canReact,
    edit: isOwn && isText && context.canSend,
    redact: isMessage && (isOwn || context.canRedactOthers),
  };
}

/** How far, as an index into the timeline, anybody else has read, and was handed, its events. */
type Positions = { read: number; delivered: number };

function readPositions({ record, ownUserId }: Context, timeline: readonly StoredEvent[]): Positions {
  const indexById = new Map(timeline.map(({ event }, at) => [event.event_id, at]));
  const newest = (positions: ReadonlyMap<string, ReceiptPosition>): number => {
    let furthest = -1;
    for (const [userId, { eventId }] of positions) if (userId !== ownUserId) furthest = Math.max(furthest, indexById.get(eventId) ?? -1);
    return furthest;
  };
  // Who writes has read what was there before.
  const lastByOthers = timeline.findLastIndex(({ event }) => event.sender !== ownUserId && event.state_key === undefined);
  const read = Math.max(newest(record.receipts), lastByOthers);
  return { read, delivered: Math.max(newest(record.delivered), read) };
}

function deliveryAt(at: number, { read, delivered }: Positions): Delivery {
  if (at <= read) return 'read';
  return at <= delivered ? 'delivered' : 'sent';
}

/** Puts each other user's receipt on the last shown item at or before the event it names. */
function placeReceipts(items: TimelineItem[], timeline: readonly StoredEvent[], { record, ownUserId, names }: Context): void {
  const shownAt = indexOfShown(items, timeline);
  const byItem = new Map<number, ReadReceipt[]>();
  for (const [userId, { eventId, timestampMs }] of record.receipts) {
    const at = userId === ownUserId ? undefined : shownAt.get(eventId);
    if (at === undefined) continue;
    byItem.set(at, [...(byItem.get(at) ?? []), { userId, ...names(userId), timestampMs }]);
  }
  for (const [at, readBy] of byItem) {
    const item = items[at];
    if (item !== undefined) items[at] = { ...item, readBy: readBy.sort((a, b) => b.timestampMs - a.timestampMs) };
  }
}

function placeReadMarker(items: TimelineItem[], timeline: readonly StoredEvent[], eventId: string | undefined): void {
  const at = eventId === undefined ? undefined : indexOfShown(items, timeline).get(eventId);
  const item = at === undefined ? undefined : items[at];
  if (at === undefined || item === undefined || at === items.length - 1) return;
  items[at] = { ...item, isReadMarker: true };
}

/** For each event of the timeline, the index of the last shown item at or before it. */
function indexOfShown(items: readonly TimelineItem[], timeline: readonly StoredEvent[]): Map<string, number> {
  const shownAt = new Map<string, number>();
  let last = -1;
  for (const { event } of timeline) {
    if (items[last + 1]?.eventId === event.event_id) last += 1;
    if (last >= 0) shownAt.set(event.event_id, last);
  }
  return shownAt;
}
