import type { Sql } from './database.ts';

/** Up to where: what stands before a place of the room's order, or was sent before a time. */
export type PurgeBound = { beforeTopological: number } | { beforeTs: number };

/**
 * Deletes messages of a room, at most `limit`, with what hangs on them; returns how many there were. State events stay: intervals, bases and
 * auth chains rest on them.
 */
export async function deleteMessages(
  sql: Sql,
  given: { roomNid: number; bound: PurgeBound; keep: readonly number[]; remoteOnly: boolean; limit: number },
): Promise<number> {
  const { roomNid, bound, keep, remoteOnly, limit } = given;
  const until = 'beforeTs' in bound ? sql`e.origin_server_ts < ${bound.beforeTs}` : sql`e.topological < ${bound.beforeTopological}`;
  const byOthers = remoteOnly ? sql`and exists (select from users u where u.user_nid = e.sender_nid and not u.is_local)` : sql``;
  const [row] = await sql<{ deleted: number }[]>`
    with doomed as (
      select e.event_nid, e.event_id, e.room_nid, e.position, e.base_snapshot from events e
      where  e.room_nid = ${roomNid} and e.key_nid is null and ${until} and e.event_nid <> all(${[...keep]}::bigint[]) ${byOthers}
      limit  ${limit}
    ),
    found as (delete from search_entries s using doomed d where s.event_nid = d.event_nid),
    related as (delete from relations r using doomed d where r.event_nid = d.event_nid),
    noted as (delete from notifications n using doomed d where n.room_nid = d.room_nid and n.position = d.position),
    waiting as (delete from waiting_redactions w using doomed d where w.event_nid = d.event_nid),
    snapshots as (
      delete from state_snapshots s using doomed d
      where  s.snapshot_id = d.base_snapshot
      and    not exists (
               select from events o
               where  o.room_nid = ${roomNid} and o.base_snapshot = s.snapshot_id and o.event_nid not in (select event_nid from doomed)
             )
    ),
    deleted as (delete from events e using doomed d where e.event_nid = d.event_nid returning e.event_nid)
    select count(*) as deleted from deleted`;
  return row?.deleted ?? 0;
}

/** The place of the last event of a room that was sent before a time. */
export async function findPlaceBefore(sql: Sql, roomNid: number, ts: number): Promise<number | undefined> {
  const [row] = await sql<{ topological: number }[]>`
    select topological from events where room_nid = ${roomNid} and kind < 2 and origin_server_ts <= ${ts}
    order  by origin_server_ts desc, topological desc
    limit  1`;
  return row?.topological;
}

/** What makes a room one that can be found and entered. */
const TABLES_OF_ROOMS = [
  'memberships',
  'room_aliases',
  'published_rooms',
  'appservice_published_rooms',
  'backward_extremities',
  'state_intervals',
] as const;

/** What people have of a room, what is derived from its events, and what was still to be done for it. */
const TABLES_OF_TRACES = [
  'receipts',
  'notifications',
  'notify_modes',
  'counted_apart',
  'thread_subscriptions',
  'relations',
  'search_entries',
  'account_data',
  'partial_rooms',
  'push_outbox',
  'server_notice_rooms',
] as const;

async function deleteFrom(sql: Sql, tables: readonly string[], roomNid: number): Promise<void> {
  for (const table of tables) await sql`delete from ${sql(table)} where room_nid = ${roomNid}`;
}

/** Takes a room out of sight: nobody is a member of it, and to this server it is no room any more. Its events are still there. */
export async function detachRoom(sql: Sql, roomNid: number): Promise<void> {
  await sql`update rooms set heads = null, notify_seq = 0, is_partial = false where room_nid = ${roomNid}`;
  await deleteFrom(sql, TABLES_OF_ROOMS, roomNid);
}

/** Deletes what people had of a room that was taken out of sight, and what was still to be done for it. */
export async function deleteTraces(sql: Sql, roomNid: number): Promise<void> {
  await deleteFrom(sql, TABLES_OF_TRACES, roomNid);
  await sql`delete from federation_staged s using rooms r where r.room_nid = ${roomNid} and s.room_id = r.room_id`;
  await sql`delete from delayed_events d using rooms r where r.room_nid = ${roomNid} and d.room_id = r.room_id`;
  await sql`delete from waiting_redactions w using events e where e.room_nid = ${roomNid} and w.event_nid = e.event_nid`;
  await sql`
    delete from state_snapshots where snapshot_id in (select base_snapshot from events where room_nid = ${roomNid} and base_snapshot is not null)`;
}

/** Deletes events of a room that was taken out of sight, at most `limit`; returns how many there were. */
export async function deleteEvents(sql: Sql, roomNid: number, limit: number): Promise<number> {
  const result = await sql`
    delete from events where event_nid in (select event_nid from events where room_nid = ${roomNid} limit ${limit})`;
  return result.count;
}

/** The rooms that say how long what is said in them is kept, with the text of the event. */
export async function listRetainingRooms(sql: Sql): Promise<{ roomNid: number; keyNid: number; json: string }[]> {
  return await sql<{ roomNid: number; keyNid: number; json: string }[]>`
    select s.room_nid as "roomNid", s.key_nid as "keyNid", e.json
    from   state_keys k
    join   state_intervals s on s.key_nid = k.key_nid and s.to_pos = 9223372036854775807
    join   events e on e.event_nid = s.event_nid
    where  k.type = 'm.room.retention' and k.state_key = ''`;
}

/** The same of one room. */
export async function findRoomRetention(sql: Sql, roomNid: number): Promise<string | undefined> {
  const [row] = await sql<{ json: string }[]>`
    select e.json
    from   state_keys k
    join   state_intervals s on s.key_nid = k.key_nid and s.room_nid = ${roomNid} and s.to_pos = 9223372036854775807
    join   events e on e.event_nid = s.event_nid
    where  k.type = 'm.room.retention' and k.state_key = ''`;
  return row?.json;
}

/** A page of the rooms that there is anything of, by their numbers. */
export async function listRoomsAfter(sql: Sql, afterNid: number, limit: number): Promise<{ roomNid: number; roomId: string }[]> {
  return await sql<{ roomNid: number; roomId: string }[]>`
    select room_nid as "roomNid", room_id as "roomId" from rooms
    where  room_nid > ${afterNid} and heads is not null
    order  by room_nid
    limit  ${limit}`;
}

/** The people of this server who have anything to do with a room. */
export async function listLocalStandings(sql: Sql, roomNid: number): Promise<{ userNid: number; userId: string; membership: number }[]> {
  return await sql<{ userNid: number; userId: string; membership: number }[]>`
    select u.user_nid as "userNid", u.user_id as "userId", m.membership
    from   memberships m join users u using (user_nid)
    where  m.room_nid = ${roomNid} and u.is_local`;
}
