import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import { type JsonObject, numberIn, objectIn, stringIn, stringsIn } from '../json.ts';
import { type RoomEvent, redactedEventId, type StrippedStateEvent } from '../room-event.ts';
import type { JoinedRoomUpdate, TypedContent } from '../sync/sync-update.ts';
import { redactStoredEvent } from '../timeline/redact-stored-event.ts';
import { type StoredEvent, typeOf } from '../timeline/stored-event.ts';
import type { Membership } from './membership.ts';
import { type ReceiptPosition, type RoomRecord, rulesOf } from './room-record.ts';

/** Message types that bring a room up in the list. */
const ACTIVITY_TYPES = new Set([
  'm.room.message',
  'm.room.encrypted',
  'm.sticker',
  'm.poll.start',
  'org.matrix.msc3381.poll.start',
  'm.call.invite',
]);

/** What an update changed in a room, for storing and telling. */
export type RoomChange = {
  /** Ids of state that changed. */
  state: string[];
  /** State was thrown away before (a room that begins anew). */
  stateReplaced: boolean;
  timelineChanged: boolean;
  /** Events that came newly, in order. */
  newEvents: StoredEvent[];
};

/**
 * Takes a joined (or left) room's part of a sync. `timeline` is the update's own, decrypted where it could be.
 *
 * 1. A limited timeline starts afresh: what is between is loaded when somebody scrolls there.
 * 2. State, then the timeline's events one after another (with `state_after`, state comes only from there).
 * 3. Redactions prune what they name; events that are already there are not added again.
 * 4. Counts, receipts, typing and account data.
 */
export function applyJoinedRoom(
  record: RoomRecord,
  update: JoinedRoomUpdate,
  timeline: readonly StoredEvent[],
  ownUserId: string,
  membership: Membership = 'join',
): RoomChange {
  const change: RoomChange = { state: [], stateReplaced: record.membership !== membership, timelineChanged: false, newEvents: [] };
  if (record.membership === 'invite' || record.membership === 'knock') record.state.clear();
  record.membership = membership;

  if (update.isLimited && timeline.length > 0) {
    record.timeline = [];
    record.batchTokens.clear();
    // With lazy members, who came and went in the gap may not have been told.
    record.hasAllMembers = false;
    change.timelineChanged = true;
  }
  if (record.timeline.length === 0 && timeline.length > 0) record.prevBatch = update.prevBatch;

  for (const event of update.state) setState(record, event, change);
  const known = new Set(record.timeline.map(({ event }) => event.event_id));
  for (const stored of timeline) {
    if (known.has(stored.event.event_id)) continue;
    known.add(stored.event.event_id);
    if (!update.isStateAfter) setState(record, stored.event, change);
    appendEvent(record, stored, change);
  }
  const first = change.newEvents[0];
  if (first !== undefined && update.prevBatch !== undefined) record.batchTokens.set(first.event.event_id, update.prevBatch);
  applyCounts(record, update);
  for (const entry of update.accountData) record.accountData.set(entry.type, entry.content);
  for (const entry of update.ephemeral) applyEphemeral(record, entry, ownUserId);
  return change;
}

/** Takes an invite or a knock: all that is known of the room is what was stripped for us. */
export function applyStrippedRoom(
  record: RoomRecord,
  events: readonly StrippedStateEvent[],
  membership: 'invite' | 'knock',
  nowMs: number,
): RoomChange {
  if (record.membership !== membership) {
    record.state.clear();
    record.timeline = [];
    record.prevBatch = undefined;
    record.lastActivityMs = nowMs;
  }
  record.membership = membership;
  const change: RoomChange = { state: [], stateReplaced: true, timelineChanged: true, newEvents: [] };
  for (const { type, state_key, sender, content } of events) {
    const event = { event_id: `$stripped:${type}:${state_key}`, type, sender, state_key, content, origin_server_ts: nowMs };
    setState(record, event, change);
  }
  return change;
}

/** Adds a page of older events, newest first as `/messages` gives them. */
export function prependHistory(
  record: RoomRecord,
  page: readonly StoredEvent[],
  prevBatch: string | undefined,
  state: readonly RoomEvent[],
): void {
  const known = new Set(record.timeline.map(({ event }) => event.event_id));
  const older: StoredEvent[] = [];
  for (const stored of page) {
    if (known.has(stored.event.event_id)) continue;
    known.add(stored.event.event_id);
    older.unshift(stored);
  }
  record.timeline = [...older, ...record.timeline];
  record.prevBatch = prevBatch;
  const oldest = older[0];
  if (oldest !== undefined && prevBatch !== undefined) record.batchTokens.set(oldest.event.event_id, prevBatch);
  // Members of back then are good enough where we know nothing newer.
  for (const event of state) {
    const id = stateKeyOf(event.type, event.state_key ?? '');
    if (event.type === 'm.room.member' && !record.state.has(id)) record.state.set(id, event);
  }
}

function setState(record: RoomRecord, event: RoomEvent, change: RoomChange): void {
  if (event.state_key === undefined) return;
  const id = stateKeyOf(event.type, event.state_key);
  // Encryption, once on, is never off again, whatever a server says.
  if (event.type === 'm.room.encryption' && record.state.has(id) && stringIn(event.content, 'algorithm') === undefined) return;
  record.state.set(id, event);
  change.state.push(id);
}

function appendEvent(record: RoomRecord, stored: StoredEvent, change: RoomChange): void {
  record.timeline.push(stored);
  change.timelineChanged = true;
  change.newEvents.push(stored);
  if (ACTIVITY_TYPES.has(typeOf(stored)) || record.lastActivityMs === 0) {
    record.lastActivityMs = Math.max(record.lastActivityMs, stored.event.origin_server_ts);
  }
  if (stored.event.type !== 'm.room.redaction') return;
  const target = redactedEventId(stored.event);
  const rules = rulesOf(record);
  record.timeline = record.timeline.map((entry) =>
    entry.event.event_id === target ? redactStoredEvent(entry, stored.event, rules) : entry,
  );
}

function applyCounts(record: RoomRecord, update: JoinedRoomUpdate): void {
  record.heroes = update.heroes ?? record.heroes;
  record.joinedCount = update.joinedCount ?? record.joinedCount;
  record.invitedCount = update.invitedCount ?? record.invitedCount;
  record.unreadCount = update.unreadCount ?? record.unreadCount;
  record.highlightCount = update.highlightCount ?? record.highlightCount;
}

function applyEphemeral(record: RoomRecord, { type, content }: TypedContent, ownUserId: string): void {
  if (type === 'm.typing') record.typing = stringsIn(content, 'user_ids');
  if (type === 'm.receipt') applyReceipts(record, content, ownUserId);
  if (type === 'chat.blinkchat.delivered') applyDelivered(record, content);
}

/** https://spec.matrix.org/latest/client-server-api/#receipts */
function applyReceipts(record: RoomRecord, content: JsonObject, ownUserId: string): void {
  for (const [eventId, byType] of Object.entries(content)) {
    for (const [userId, receipt] of Object.entries(objectIn(byType, 'm.read') ?? {})) {
      setNewest(record.receipts, userId, toPosition(eventId, receipt));
    }
    for (const type of ['m.read', 'm.read.private']) {
      const own = objectIn(objectIn(byType, type), ownUserId);
      if (own !== undefined && (record.ownReceipt?.timestampMs ?? 0) <= (numberIn(own, 'ts') ?? 0))
        record.ownReceipt = toPosition(eventId, own);
    }
  }
}

/** Our extension: which events were handed to a device of whom, in the form of receipts. */
function applyDelivered(record: RoomRecord, content: JsonObject): void {
  for (const eventId of Object.keys(content)) {
    for (const [userId, entry] of Object.entries(objectIn(content, eventId) ?? {}))
      setNewest(record.delivered, userId, toPosition(eventId, entry));
  }
}

function toPosition(eventId: string, receipt: unknown): ReceiptPosition {
  return { eventId, timestampMs: numberIn(receipt, 'ts') ?? 0 };
}

function setNewest(positions: Map<string, ReceiptPosition>, userId: string, position: ReceiptPosition): void {
  const known = positions.get(userId);
  if (known === undefined || known.timestampMs <= position.timestampMs) positions.set(userId, position);
}
