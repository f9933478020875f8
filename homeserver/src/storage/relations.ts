import type { Sql } from './database.ts';
import { type EventRow, eventColumns, type StoredEvent, toStoredEvent } from './events.ts';
import { type EventRange, eventRange } from './timeline.ts';

/** Most events of one `m.reference` bundle. */
const MAX_REFERENCES = 100;
/** How far relations of relations are followed. */
export const MAX_RECURSION = 3;

/** Relations count while the event is shown in its room and not redacted. */
const live = (sql: Sql) => sql`e.kind < 2 and e.redacted_by is null`;
const known = (sql: Sql, upTo: number | undefined) => (upTo === undefined ? sql`` : sql`and (e.position is null or e.position <= ${upTo})`);

/** Those among the events to which others relate. */
export async function listRelatedIds(sql: Sql, eventIds: readonly string[]): Promise<Set<string>> {
  if (eventIds.length === 0) return new Set();
  const rows = await sql<{ targetId: string }[]>`
    select distinct target_id as "targetId" from relations where target_id = any(${[...eventIds]}::text[])`;
  return new Set(rows.map((row) => row.targetId));
}

/** Whether something in a room relates to an event. */
export async function isRelatedToIn(sql: Sql, roomNid: number, targetId: string): Promise<boolean> {
  const rows = await sql`select 1 from relations where target_id = ${targetId} and room_nid = ${roomNid} limit 1`;
  return rows.length > 0;
}

export type RelationSummary = {
  targetId: string;
  relType: 'm.thread' | 'm.reference';
  count: number;
  /** The reader wrote one of them. */
  isParticipant: boolean;
  latestNid: number;
  /** Of references only, the oldest first. */
  eventIds: string[] | null;
};

/** What the threads and the references of each event add up to, as of position `upTo`, without what ignored people sent. */
export async function listRelationSummaries(
  sql: Sql,
  targetIds: readonly string[],
  { readerNid, ignoredNids, upTo }: { readerNid: number; ignoredNids: readonly number[]; upTo?: number | undefined },
): Promise<RelationSummary[]> {
  if (targetIds.length === 0) return [];
  const heard = ignoredNids.length === 0 ? sql`` : sql`and e.sender_nid <> all(${[...ignoredNids]}::bigint[])`;
  return await sql<RelationSummary[]>`
    select r.target_id as "targetId", r.rel_type as "relType", count(*)::bigint as count,
           bool_or(e.sender_nid = ${readerNid}) as "isParticipant",
           (array_agg(e.event_nid order by e.topological desc, e.event_nid desc))[1] as "latestNid",
           (array_agg(e.event_id order by e.topological, e.event_nid) filter (where r.rel_type = 'm.reference'))[1:${MAX_REFERENCES}::int] as "eventIds"
    from   relations r join events e using (event_nid) join events t on t.event_id = r.target_id and t.room_nid = e.room_nid
    where  r.target_id = any(${[...targetIds]}::text[]) and r.rel_type in ('m.thread', 'm.reference') and ${live(sql)} ${known(sql, upTo)} ${heard}
    group  by r.target_id, r.rel_type`;
}

/**
 * The edit that stands for each event, as of position `upTo`: the newest of the same sender, type and room.
 * https://spec.matrix.org/latest/client-server-api/#validity-of-replacement-events
 */
export async function listLatestEdits(sql: Sql, targetIds: readonly string[], upTo?: number): Promise<Map<string, StoredEvent>> {
  if (targetIds.length === 0) return new Map();
  const rows = await sql<(EventRow & { targetId: string })[]>`
    select l.target_id as "targetId", f.*
    from (
      select distinct on (r.target_id) r.target_id, e.event_nid as nid
      from   relations r join events e using (event_nid)
      join   events t on t.event_id = r.target_id and t.room_nid = e.room_nid and t.sender_nid = e.sender_nid and t.type = e.type
      where  r.target_id = any(${[...targetIds]}::text[]) and r.rel_type = 'm.replace' and r.can_replace
      and    t.key_nid is null and t.redacted_by is null and ${live(sql)} ${known(sql, upTo)}
      order  by r.target_id, e.origin_server_ts desc, e.event_id collate "C" desc
    ) l
    cross join lateral (select ${eventColumns(sql)} from events where events.event_nid = l.nid) f`;
  return new Map(rows.map(({ targetId, ...row }) => [targetId, toStoredEvent(row)]));
}

export type RelatedEvent = { targetId: string; relType: 'm.thread' | 'm.reference' | 'm.replace'; event: StoredEvent };

/** What relates to each event by these types, as of position `upTo`, without what ignored people sent: of each the newest, those first. */
export async function listChildren(
  sql: Sql,
  targetIds: readonly string[],
  {
    relTypes,
    ignoredNids,
    upTo,
    limit,
  }: { relTypes: readonly string[]; ignoredNids: readonly number[]; upTo?: number | undefined; limit: number },
): Promise<RelatedEvent[]> {
  if (targetIds.length === 0) return [];
  const heard = ignoredNids.length === 0 ? sql`` : sql`and e.sender_nid <> all(${[...ignoredNids]}::bigint[])`;
  const rows = await sql<(EventRow & { targetId: string; relType: RelatedEvent['relType'] })[]>`
    select c.target_id as "targetId", c.rel_type as "relType", f.*
    from   unnest(${[...targetIds]}::text[]) as wanted(target_id)
    cross join lateral (
      select r.target_id, r.rel_type, e.event_nid, e.topological
      from   relations r join events e using (event_nid) join events t on t.event_id = r.target_id and t.room_nid = e.room_nid
      where  r.target_id = wanted.target_id and r.rel_type = any(${[...relTypes]}::text[]) and ${live(sql)} ${known(sql, upTo)} ${heard}
      and    (r.rel_type <> 'm.replace' or (r.can_replace and t.sender_nid = e.sender_nid and t.type = e.type))
      order  by e.topological desc, e.event_nid desc
      limit  ${limit}
    ) c
    cross join lateral (select ${eventColumns(sql)} from events where events.event_nid = c.event_nid) f
    order  by c.topological desc, c.event_nid desc`;
  return rows.map(({ targetId, relType, ...row }) => ({ targetId, relType, event: toStoredEvent(row) }));
}

export type RelationQuery = EventRange & { targetId: string; relType?: string | undefined; eventType?: string | undefined; depth: number };

/** The events that relate to one, directly or through at most `depth` - 1 others, in the room's own order. */
export async function listRelations(sql: Sql, { targetId, relType, eventType, depth, ...range }: RelationQuery): Promise<StoredEvent[]> {
  const { where, order } = eventRange(sql, range);
  const ofRelation = relType === undefined ? sql`` : sql`and found.rel_type = ${relType}`;
  const ofType = eventType === undefined ? sql`` : sql`and type = ${eventType}`;
  const rows = await sql<EventRow[]>`
    with recursive found(nid, rel_type, depth) as (
      select r.event_nid, r.rel_type, 1 from relations r where r.target_id = ${targetId} and r.room_nid = ${range.roomNid}
      union
      select r.event_nid, r.rel_type, f.depth + 1
      from   found f join events e on e.event_nid = f.nid
      join   relations r on r.target_id = e.event_id and r.room_nid = e.room_nid
      where  f.depth < ${depth}
    )
    select ${eventColumns(sql)} from events
    where  ${where} and redacted_by is null ${ofType}
    and    event_nid in (select nid from found where true ${ofRelation})
    ${order}`;
  return rows.map(toStoredEvent);
}

export type ThreadQuery = {
  roomNid: number;
  from: { topological: number; eventNid: number };
  /** Only threads that this user began or wrote in. */
  participantNid?: number | undefined;
  upTo?: number | undefined;
  limit: number;
};

/** The roots of a room's threads with the place of each one's last event, those that were last written in first. */
export async function listThreadRoots(
  sql: Sql,
  { roomNid, from, participantNid, upTo, limit }: ThreadQuery,
): Promise<{ root: StoredEvent; last: { topological: number; eventNid: number } }[]> {
  const ofUser =
    participantNid === undefined
      ? sql``
      : sql`and (root.sender_nid = ${participantNid} or exists (
          select 1 from relations r join events e using (event_nid)
          where  r.target_id = l.target_id and r.rel_type = 'm.thread' and e.sender_nid = ${participantNid} and ${live(sql)} ${known(sql, upTo)}
        ))`;
  const rows = await sql<(EventRow & { lastTopological: number; lastNid: number })[]>`
    select l.topological as "lastTopological", l.event_nid as "lastNid", f.*
    from (
      select distinct on (r.target_id) r.target_id, e.topological, e.event_nid
      from   relations r join events e using (event_nid)
      where  r.room_nid = ${roomNid} and r.rel_type = 'm.thread' and ${live(sql)} ${known(sql, upTo)}
      order  by r.target_id, e.topological desc, e.event_nid desc
    ) l
    join   events root on root.event_id = l.target_id and root.room_nid = ${roomNid} and root.kind < 2
    cross join lateral (select ${eventColumns(sql)} from events where events.event_nid = root.event_nid) f
    where  (l.topological, l.event_nid) <= (${from.topological}, ${from.eventNid}) ${ofUser}
    order  by l.topological desc, l.event_nid desc
    limit  ${limit}`;
  return rows.map(({ lastTopological, lastNid, ...row }) => ({
    root: toStoredEvent(row),
    last: { topological: lastTopological, eventNid: lastNid },
  }));
}

/** Whether the sender has already put this annotation on the event. */
export async function isAnnotated(
  sql: Sql,
  annotation: { roomNid: number; targetId: string; type: string; senderNid: number; key: string },
): Promise<boolean> {
  const rows = await sql`
    select 1 from relations r join events e using (event_nid)
    where  r.target_id = ${annotation.targetId} and r.rel_type = 'm.annotation' and r.annotation_key = ${annotation.key}
    and    e.room_nid = ${annotation.roomNid} and e.sender_nid = ${annotation.senderNid} and e.type = ${annotation.type} and ${live(sql)}
    limit  1`;
  return rows.length > 0;
}

/** Those among the events to which another relates by one of the types, sent by one of the users, where these are given. */
export async function listRelatedTo(
  sql: Sql,
  eventIds: readonly string[],
  { relTypes, senders }: { relTypes: readonly string[] | undefined; senders: readonly string[] | undefined },
): Promise<Set<string>> {
  if (eventIds.length === 0) return new Set();
  const byType = relTypes === undefined ? sql`` : sql`and r.rel_type = any(${[...relTypes]}::text[])`;
  const bySender = senders === undefined ? sql`` : sql`and u.user_id = any(${[...senders]}::text[])`;
  const rows = await sql<{ targetId: string }[]>`
    select distinct r.target_id as "targetId"
    from   relations r join events e using (event_nid) join users u on u.user_nid = e.sender_nid
    where  r.target_id = any(${[...eventIds]}::text[]) and ${live(sql)} ${byType} ${bySender}`;
  return new Set(rows.map((row) => row.targetId));
}
