import type { Sql } from './database.ts';
import { type EventRow, eventColumns, type StoredEvent, toStoredEvent } from './events.ts';

/*
 * What sync reads of many rooms at once: each function is one query, however many rooms there are.
 */

/** The newest timeline events of each room in (after, upTo], newest first, at most `limit` a room. */
export async function listNewestOfRooms(
  sql: Sql,
  rooms: readonly { roomNid: number; after: number }[],
  { upTo, limit }: { upTo: number; limit: number },
): Promise<StoredEvent[]> {
  if (rooms.length === 0) return [];
  const rows = await sql<EventRow[]>`
    select e.* from unnest(${rooms.map((room) => room.roomNid)}::bigint[], ${rooms.map((room) => room.after)}::bigint[]) as a(room_nid, after)
    cross join lateral (
      select ${eventColumns(sql)} from events
      where  events.room_nid = a.room_nid and position > a.after and position <= ${upTo}
      order  by position desc
      limit  ${limit}
    ) e`;
  return rows.map(toStoredEvent);
}

/** The first timeline events of these rooms in (after, upTo], in log order, at most `limit` in all. */
export async function listFirstOfRooms(
  sql: Sql,
  roomNids: readonly number[],
  { after, upTo, limit }: { after: number; upTo: number; limit: number },
): Promise<StoredEvent[]> {
  if (roomNids.length === 0 || after >= upTo) return [];
  const rows = await sql<EventRow[]>`
    select ${eventColumns(sql)} from events
    where  position > ${after} and position <= ${upTo} and room_nid = any(${[...roomNids]}::bigint[])
    order  by position
    limit  ${limit}`;
  return rows.map(toStoredEvent);
}

/** Which memberships of a room's state are wanted: all, or those of the named users. */
export type MemberChoice = 'all' | readonly string[];

/** The state of each room at a position. */
export async function listStateOfRooms(
  sql: Sql,
  rooms: readonly { roomNid: number; at: number }[],
  members: MemberChoice,
): Promise<StoredEvent[]> {
  if (rooms.length === 0) return [];
  const which = members === 'all' ? sql`` : sql`and (k.type <> 'm.room.member' or k.state_key = any(${[...members]}::text[]))`;
  const rows = await sql<EventRow[]>`
    select e.* from unnest(${rooms.map((room) => room.roomNid)}::bigint[], ${rooms.map((room) => room.at)}::bigint[]) as a(room_nid, at)
    join   state_intervals s on s.room_nid = a.room_nid and s.from_pos <= a.at and s.to_pos > a.at
    join   state_keys k on k.key_nid = s.key_nid ${which}
    cross join lateral (select ${eventColumns(sql)} from events where events.event_nid = s.event_nid) e`;
  return rows.map(toStoredEvent);
}

/** What changed in each room's state in (after, upTo]: the holders at `upTo` of the keys whose interval opened in between. */
export async function listStateChangesOfRooms(
  sql: Sql,
  rooms: readonly { roomNid: number; after: number; upTo: number }[],
): Promise<StoredEvent[]> {
  if (rooms.length === 0) return [];
  const rows = await sql<EventRow[]>`
    select e.* from unnest(${rooms.map((room) => room.roomNid)}::bigint[], ${rooms.map((room) => room.after)}::bigint[],
                           ${rooms.map((room) => room.upTo)}::bigint[]) as a(room_nid, after, up_to)
    join   state_intervals s on s.room_nid = a.room_nid and s.from_pos > a.after and s.from_pos <= a.up_to and s.to_pos > a.up_to
    cross join lateral (select ${eventColumns(sql)} from events where events.event_nid = s.event_nid) e`;
  return rows.map(toStoredEvent);
}

/** The membership events of these users in one room at a position. */
export async function listMembersAt(sql: Sql, roomNid: number, userIds: readonly string[], at: number): Promise<StoredEvent[]> {
  if (userIds.length === 0) return [];
  const rows = await sql<EventRow[]>`
    select e.* from state_keys k
    join   state_intervals s on s.key_nid = k.key_nid and s.room_nid = ${roomNid} and s.from_pos <= ${at} and s.to_pos > ${at}
    cross join lateral (select ${eventColumns(sql)} from events where events.event_nid = s.event_nid) e
    where  k.type = 'm.room.member' and k.state_key = any(${[...userIds]}::text[])`;
  return rows.map(toStoredEvent);
}

/** Those among the rooms in which the user was joined at a position. */
export async function listRoomsJoinedAt(sql: Sql, userId: string, roomNids: readonly number[], at: number): Promise<Set<number>> {
  if (roomNids.length === 0) return new Set();
  const rows = await sql<{ roomNid: number; json: string }[]>`
    select s.room_nid as "roomNid", e.json
    from   state_keys k
    join   state_intervals s on s.key_nid = k.key_nid and s.room_nid = any(${[...roomNids]}::bigint[]) and s.from_pos <= ${at} and s.to_pos > ${at}
    join   events e on e.event_nid = s.event_nid
    where  k.type = 'm.room.member' and k.state_key = ${userId}`;
  return new Set(rows.filter((row) => JSON.parse(row.json).content.membership === 'join').map((row) => row.roomNid));
}

export type RoomSummaryRow = { roomNid: number; joined: number; invited: number; heroes: string[] };

/** How many are joined and invited to each room, and up to five of them beside the user, by whom a nameless room is called. */
export async function listRoomSummaries(sql: Sql, roomNids: readonly number[], userNid: number): Promise<RoomSummaryRow[]> {
  if (roomNids.length === 0) return [];
  return await sql<RoomSummaryRow[]>`
    select a.room_nid as "roomNid", counts.joined, counts.invited, coalesce(heroes.ids, '{}') as heroes
    from   unnest(${[...roomNids]}::bigint[]) as a(room_nid)
    cross join lateral (
      select count(*) filter (where membership = 2)::bigint as joined, count(*) filter (where membership = 1)::bigint as invited
      from   memberships m where m.room_nid = a.room_nid
    ) counts
    cross join lateral (
      select array_agg(user_id) as ids from (
        select u.user_id from memberships m join users u using (user_nid)
        where  m.room_nid = a.room_nid and m.membership in (1, 2) and m.user_nid <> ${userNid}
        order  by m.user_nid
        limit  5
      ) few
    ) heroes`;
}

/** The last position at which each room had a timeline event after `after`. */
export async function listRoomActivity(sql: Sql, after: number): Promise<{ roomNid: number; position: number }[]> {
  return await sql<{ roomNid: number; position: number }[]>`
    select room_nid as "roomNid", max(position) as position from events where position > ${after} group by room_nid`;
}

/** The last position at which each of these rooms had a timeline event. */
export async function listLastPositions(sql: Sql, roomNids: readonly number[]): Promise<{ roomNid: number; position: number }[]> {
  if (roomNids.length === 0) return [];
  return await sql<{ roomNid: number; position: number }[]>`
    select a.room_nid as "roomNid", e.position
    from   unnest(${[...roomNids]}::bigint[]) as a(room_nid)
    cross join lateral (
      select position from events where events.room_nid = a.room_nid and position > 0 order by position desc limit 1
    ) e`;
}

/** The last position up to `upTo` at which each of these rooms had an event of one of the types. */
export async function listLastPositionsOfTypes(
  sql: Sql,
  roomNids: readonly number[],
  { types, upTo }: { types: readonly string[]; upTo: number },
): Promise<{ roomNid: number; position: number }[]> {
  if (roomNids.length === 0) return [];
  return await sql<{ roomNid: number; position: number }[]>`
    select a.room_nid as "roomNid", e.position
    from   unnest(${[...roomNids]}::bigint[]) as a(room_nid)
    cross join lateral (
      select position from events
      where  events.room_nid = a.room_nid and position > 0 and position <= ${upTo} and type = any(${[...types]}::text[])
      order  by position desc
      limit  1
    ) e`;
}

/** The events that hold these types with an empty state key in each room, at a position. */
export async function listSingularState(
  sql: Sql,
  roomNids: readonly number[],
  { types, at }: { types: readonly string[]; at: number },
): Promise<{ roomNid: number; type: string; json: string }[]> {
  if (roomNids.length === 0) return [];
  return await sql<{ roomNid: number; type: string; json: string }[]>`
    select s.room_nid as "roomNid", k.type, e.json
    from   state_keys k
    join   state_intervals s on s.key_nid = k.key_nid and s.room_nid = any(${[...roomNids]}::bigint[])
                            and s.from_pos <= ${at} and s.to_pos > ${at}
    join   events e on e.event_nid = s.event_nid
    where  k.type = any(${[...types]}::text[]) and k.state_key = ''`;
}
