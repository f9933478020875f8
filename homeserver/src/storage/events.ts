import type { Sql } from './database.ts';
import { isName, relationOf } from './relation-of.ts';

/** What a stored event is to us; only `timeline` events have a log position and are seen by followers and sync. */
export type EventKind = 'timeline' | 'backfilled' | 'outlier' | 'soft_failed' | 'rejected';

const KINDS: readonly EventKind[] = ['timeline', 'backfilled', 'outlier', 'soft_failed', 'rejected'];

/** The number by which a kind is stored. */
export function kindNumber(kind: EventKind): number {
  return KINDS.indexOf(kind);
}

/** An event as stored, its JSON the exact text that was signed (or its pruned form, once redacted). */
export type StoredEvent = {
  eventNid: number;
  eventId: string;
  roomNid: number;
  kind: EventKind;
  /** Null unless `kind` is `timeline`. */
  position: number | null;
  /** 1 + the largest of the prev_events', by our own count. */
  topological: number;
  senderNid: number;
  type: string;
  /** The number of (type, state_key); null for a message. */
  keyNid: number | null;
  originServerTs: number;
  /** The numbers of the auth events. */
  auth: number[];
  basePos: number | null;
  baseSnapshot: number | null;
  notifySeq: number;
  deviceId: string | null;
  txnPath: string | null;
  reason: string | null;
  redactedBy: number | null;
  json: string;
};

const COLUMNS = `event_nid as "eventNid", event_id as "eventId", room_nid as "roomNid", kind, position, topological,
  sender_nid as "senderNid", type, key_nid as "keyNid", origin_server_ts as "originServerTs", auth, base_pos as "basePos",
  base_snapshot as "baseSnapshot", notify_seq as "notifySeq", device_id as "deviceId", txn_path as "txnPath", reason,
  redacted_by as "redactedBy", json`;

/** The select list of a stored event, for the queries of other modules over `events`; pass its rows through `toStoredEvent`. */
export function eventColumns(sql: Sql) {
  return sql.unsafe(COLUMNS);
}

export type EventRow = Omit<StoredEvent, 'kind'> & { kind: number };

export function toStoredEvent(row: EventRow): StoredEvent {
  const kind = KINDS[row.kind];
  if (kind === undefined) throw new Error(`the event ${row.eventId} is stored with the unknown kind ${row.kind}`);
  return { ...row, kind };
}

/** The key's new holder from `position` on (until `toPos`, when a later change of the same batch replaces it). */
export type StateInterval = { roomNid: number; keyNid: number; fromPos: number; toPos: number; eventNid: number };

/** The key's current interval ends at `position`. */
export type StateClosing = { roomNid: number; keyNid: number; position: number };

export type MembershipRow = { roomNid: number; userNid: number; membership: number; position: number; eventNid: number | null };

export type RoomHeads = { roomNid: number; heads: readonly number[]; notifySeq: number };

/** One batch of the log, already reduced: each key is closed once, each membership and each room's heads written once. */
export type EventBatch = {
  epoch: number;
  /** The last position of the batch. */
  to: number;
  events: readonly StoredEvent[];
  closings: readonly StateClosing[];
  intervals: readonly StateInterval[];
  memberships: readonly MembershipRow[];
  heads: readonly RoomHeads[];
};

/** The position no interval ends at: the key still holds. */
export const OPEN_END = 9_223_372_036_854_775_807n;

function pgArray(values: readonly number[]): string {
  return `{${values.join(',')}}`;
}

/**
 * Writes a batch in one statement: moves the log's head (checking the epoch), inserts events (what was stored as an outlier, or backfilled,
 * takes its place in the timeline), closes and opens state, sets memberships and heads. Returns false, having written nothing, when another
 * process holds the log.
 *
 * @throws when an event is stored already and may not be, or under another number
 */
export async function writeEventBatch(sql: Sql, batch: EventBatch): Promise<boolean> {
  const rows = await sql<{ written: boolean }[]>`
    with head as (
      update log_head set position = ${batch.to} where epoch = ${batch.epoch} and position < ${batch.to} returning true as held
    )${insertEvents(sql, batch.events)}${writeHeads(sql, batch.heads)}${writeState(sql, batch)}${writeMemberships(sql, batch.memberships)}
    select held as written${refuseMissing(sql, batch.events)} from head`;
  return rows.length === 1;
}

/**
 * Fails the statement when an event was not written: it was stored meanwhile under another number, and the heads and the state would name
 * one that nothing stands for. A division by zero counts as bad data, so that the rooms concerned are loaded anew.
 */
function refuseMissing(sql: Sql, events: readonly StoredEvent[]) {
  return events.length === 0 ? sql`` : sql`, 1 / (case when (select count(*) from inserted) = ${events.length} then 1 else 0 end)`;
}

function insertEvents(sql: Sql, events: readonly StoredEvent[]) {
  if (events.length === 0) return sql``;
  return sql`, inserted as (${insertRows(sql, events)} , head
      on conflict (event_id) do update
        set kind = excluded.kind, position = excluded.position, topological = excluded.topological, base_pos = excluded.base_pos,
            base_snapshot = excluded.base_snapshot, notify_seq = excluded.notify_seq, reason = excluded.reason
        where events.kind in (1, 2) and events.event_nid = excluded.event_nid
      returning events.event_nid, events.event_id, events.room_nid
    )${insertRelations(sql, events)}`;
}

/** The relations of the events that `inserted` has written, as a further part of its statement; nothing when there are none. */
function insertRelations(sql: Sql, events: readonly StoredEvent[]) {
  const related = events.flatMap((event) => {
    const relation = relationOf(event);
    return relation === undefined ? [] : [{ eventId: event.eventId, ...relation }];
  });
  if (related.length === 0) return sql``;
  return sql`, related as (
      insert into relations (event_nid, room_nid, target_id, rel_type, annotation_key, can_replace)
      select i.event_nid, i.room_nid, r.target_id, r.rel_type, r.annotation_key, r.can_replace = 1
      from unnest(${related.map((row) => row.eventId)}::text[], ${related.map((row) => row.targetId)}::text[],
                  ${related.map((row) => row.relType)}::text[], ${related.map((row) => row.annotationKey)}::text[],
                  ${related.map((row) => Number(row.canReplace))}::smallint[]) as r(event_id, target_id, rel_type, annotation_key, can_replace)
      join inserted i using (event_id)
      on conflict (event_nid) do nothing
    )`;
}

/** `insert into events select … from unnest(…)`, to which a caller may add a further table to join. */
function insertRows(sql: Sql, events: readonly StoredEvent[]) {
  const column = <Key extends keyof StoredEvent>(key: Key): StoredEvent[Key][] => events.map((event) => event[key]);
  return sql`
    insert into events (event_nid, event_id, room_nid, kind, position, topological, sender_nid, type, key_nid, origin_server_ts,
                        auth, base_pos, base_snapshot, notify_seq, device_id, txn_path, reason, redacted_by, json)
    select n.event_nid, n.event_id, n.room_nid, n.kind, n.position, n.topological, n.sender_nid, n.type, n.key_nid, n.origin_server_ts,
           n.auth::bigint[], n.base_pos, n.base_snapshot, n.notify_seq, n.device_id, n.txn_path, n.reason, n.redacted_by, n.json
    from unnest(
      ${column('eventNid')}::bigint[], ${column('eventId')}::text[], ${column('roomNid')}::bigint[],
      ${events.map((event) => kindNumber(event.kind))}::smallint[], ${column('position')}::bigint[], ${column('topological')}::bigint[],
      ${column('senderNid')}::bigint[], ${column('type')}::text[], ${column('keyNid')}::bigint[], ${column('originServerTs')}::bigint[],
      ${events.map((event) => pgArray(event.auth))}::text[], ${column('basePos')}::bigint[], ${column('baseSnapshot')}::bigint[],
      ${column('notifySeq')}::bigint[], ${column('deviceId')}::text[], ${column('txnPath')}::text[], ${column('reason')}::text[],
      ${column('redactedBy')}::bigint[], ${column('json')}::text[]
    ) as n(event_nid, event_id, room_nid, kind, position, topological, sender_nid, type, key_nid, origin_server_ts,
           auth, base_pos, base_snapshot, notify_seq, device_id, txn_path, reason, redacted_by, json)`;
}

function writeHeads(sql: Sql, heads: readonly RoomHeads[]) {
  if (heads.length === 0) return sql``;
  return sql`, moved as (
      update rooms r set heads = h.heads::bigint[], notify_seq = h.notify_seq
      from unnest(${heads.map((head) => head.roomNid)}::bigint[], ${heads.map((head) => pgArray(head.heads))}::text[],
                  ${heads.map((head) => head.notifySeq)}::bigint[]) as h(room_nid, heads, notify_seq), head
      where r.room_nid = h.room_nid
    )`;
}

function writeState(sql: Sql, { closings, intervals }: EventBatch) {
  const closed =
    closings.length === 0
      ? sql``
      : sql`, closed as (
      update state_intervals s set to_pos = c.position
      from unnest(${closings.map((row) => row.roomNid)}::bigint[], ${closings.map((row) => row.keyNid)}::bigint[],
                  ${closings.map((row) => row.position)}::bigint[]) as c(room_nid, key_nid, position), head
      where s.room_nid = c.room_nid and s.key_nid = c.key_nid and s.to_pos = 9223372036854775807
      returning true
    )`;
  if (intervals.length === 0) return closed;
  // Read from the closing first, so that it is carried out first: a key has one open interval at most.
  const afterClosing = closings.length === 0 ? sql`` : sql`, (select count(*) from closed) as done`;
  return sql`${closed}, opened as (
      insert into state_intervals (room_nid, key_nid, from_pos, to_pos, event_nid)
      select i.room_nid, i.key_nid, i.from_pos, i.to_pos, i.event_nid
      from unnest(${intervals.map((row) => row.roomNid)}::bigint[], ${intervals.map((row) => row.keyNid)}::bigint[],
                  ${intervals.map((row) => row.fromPos)}::bigint[],
                  ${intervals.map((row) => (Number.isFinite(row.toPos) ? String(row.toPos) : String(OPEN_END)))}::bigint[],
                  ${intervals.map((row) => row.eventNid)}::bigint[]) as i(room_nid, key_nid, from_pos, to_pos, event_nid), head${afterClosing}
    )`;
}

function writeMemberships(sql: Sql, memberships: readonly MembershipRow[]) {
  if (memberships.length === 0) return sql``;
  return sql`, joined as (
      insert into memberships (room_nid, user_nid, membership, position, event_nid)
      select m.room_nid, m.user_nid, m.membership, m.position, m.event_nid
      from unnest(${memberships.map((row) => row.roomNid)}::bigint[], ${memberships.map((row) => row.userNid)}::bigint[],
                  ${memberships.map((row) => row.membership)}::smallint[], ${memberships.map((row) => row.position)}::bigint[],
                  ${memberships.map((row) => row.eventNid)}::bigint[]) as m(room_nid, user_nid, membership, position, event_nid), head
      on conflict (room_nid, user_nid) do update
        set membership = excluded.membership, position = excluded.position, event_nid = excluded.event_nid, stripped_state = null, forgotten = false
    )`;
}

/** Stores events without positions: outliers, backfilled, soft-failed and rejected ones. Those already stored are left alone. */
export async function insertUnpositionedEvents(sql: Sql, events: readonly StoredEvent[]): Promise<void> {
  if (events.length === 0) return;
  await sql`
    with inserted as (${insertRows(sql, events)} on conflict (event_id) do nothing returning event_nid, event_id, room_nid)
    ${insertRelations(sql, events)} select 1`;
}

/** The stored event, of whatever kind. */
export async function findEvent(sql: Sql, eventId: string): Promise<StoredEvent | undefined> {
  if (!isName(eventId)) return undefined;
  const [row] = await sql<EventRow[]>`select ${eventColumns(sql)} from events where event_id = ${eventId}`;
  return row === undefined ? undefined : toStoredEvent(row);
}

/** The stored events among the ids, of whatever kind, in no order. */
export async function listEventsById(sql: Sql, eventIds: readonly string[]): Promise<StoredEvent[]> {
  const names = eventIds.filter(isName);
  if (names.length === 0) return [];
  const rows = await sql<EventRow[]>`select ${eventColumns(sql)} from events where event_id = any(${names}::text[])`;
  return rows.map(toStoredEvent);
}

/** The stored events among the numbers, in no order. */
export async function listEventsByNid(sql: Sql, eventNids: readonly number[]): Promise<StoredEvent[]> {
  if (eventNids.length === 0) return [];
  const rows = await sql<EventRow[]>`select ${eventColumns(sql)} from events where event_nid = any(${[...eventNids]}::bigint[])`;
  return rows.map(toStoredEvent);
}

/** The newest timeline events of a room in (after, upTo], newest first, at most `limit`. */
export async function listTimelineBackwards(
  sql: Sql,
  { roomNid, after, upTo, limit }: { roomNid: number; after: number; upTo: number; limit: number },
): Promise<StoredEvent[]> {
  const rows = await sql<EventRow[]>`
    select ${eventColumns(sql)} from events
    where  room_nid = ${roomNid} and position > ${after} and position <= ${upTo}
    order  by position desc
    limit  ${limit}`;
  return rows.map(toStoredEvent);
}

/** Timeline events of all rooms in (after, upTo] in log order, at most `limit`: what followers read. */
export async function listTimelineForwards(
  sql: Sql,
  { after, upTo, limit }: { after: number; upTo: number; limit: number },
): Promise<StoredEvent[]> {
  const rows = await sql<EventRow[]>`
    select ${eventColumns(sql)} from events
    where  position > ${after} and position <= ${upTo}
    order  by position
    limit  ${limit}`;
  return rows.map(toStoredEvent);
}

/** The transactions that local devices sent into a room most lately, newest first. */
export async function listRecentTransactions(
  sql: Sql,
  roomNid: number,
  limit: number,
): Promise<{ senderNid: number; deviceId: string; txnPath: string; eventId: string }[]> {
  return await sql<{ senderNid: number; deviceId: string; txnPath: string; eventId: string }[]>`
    select sender_nid as "senderNid", device_id as "deviceId", txn_path as "txnPath", event_id as "eventId"
    from   (select * from events where room_nid = ${roomNid} and position is not null order by position desc limit ${limit}) recent
    where  txn_path is not null`;
}

/** The event that a transaction already made, if it did. */
export async function findSentEvent(
  sql: Sql,
  transaction: { senderNid: number; deviceId: string; roomNid: number; txnPath: string },
): Promise<string | undefined> {
  const [row] = await sql<{ eventId: string }[]>`
    select event_id as "eventId" from events
    where  sender_nid = ${transaction.senderNid} and device_id = ${transaction.deviceId}
    and    room_nid = ${transaction.roomNid} and txn_path = ${transaction.txnPath}`;
  return row?.eventId;
}

/** The numbers of all events in the auth chains of the given events, themselves left out. */
export async function listAuthChain(sql: Sql, eventNids: readonly number[]): Promise<number[]> {
  if (eventNids.length === 0) return [];
  const rows = await sql<{ nid: number }[]>`
    with recursive chain(nid) as (
      select unnest(e.auth) from events e where e.event_nid = any(${[...eventNids]}::bigint[])
      union
      select unnest(e.auth) from chain c join events e on e.event_nid = c.nid
    )
    select nid from chain`;
  return rows.map((row) => row.nid);
}

/** Those of the targets that are among the given events or in their auth chains. */
export async function listReachedFrom(sql: Sql, eventNids: readonly number[], targets: readonly number[]): Promise<number[]> {
  if (eventNids.length === 0 || targets.length === 0) return [];
  const rows = await sql<{ nid: number }[]>`
    with recursive reached(nid) as (
      select unnest(${[...eventNids]}::bigint[])
      union
      select unnest(e.auth) from reached r join events e on e.event_nid = r.nid
    )
    select nid from reached where nid = any(${[...targets]}::bigint[])`;
  return rows.map((row) => row.nid);
}

/** The largest event number given out. */
export async function loadLastEventNid(sql: Sql): Promise<number> {
  const [row] = await sql<{ last: number | null }[]>`select max(event_nid) as last from events`;
  return row?.last ?? 0;
}

/** What kept an event from being shown does so no more. */
export async function forgetReason(sql: Sql, eventNid: number): Promise<void> {
  await sql`update events set reason = null where event_nid = ${eventNid}`;
}

/** Replaces an event's text by its pruned form, once a redaction of it has been accepted. */
export async function markRedacted(sql: Sql, redaction: { eventNid: number; redactedBy: number; prunedJson: string }): Promise<void> {
  await sql`update events set json = ${redaction.prunedJson}, redacted_by = ${redaction.redactedBy} where event_nid = ${redaction.eventNid}`;
}
