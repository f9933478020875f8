import type { Sql } from './database.ts';
import { type EventRow, eventColumns, type StoredEvent, toStoredEvent } from './events.ts';

/*
 * What sync reads of many rooms at once: each function is one query, however many rooms there are.
 */

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

/** A holder of a key; `isBefore`: already at `at`, and not only at `upTo`. */
export type StateRow = { event: StoredEvent; isBefore: boolean };

type StateRange = { roomNid: number; after: number; at: number; upTo: number };

/** The state of each room at `at`, and what changed in it between then and `upTo` and holds there. */
export async function listStateOfRooms(sql: Sql, rooms: readonly StateRange[], members: MemberChoice): Promise<StateRow[]> {
  if (rooms.length === 0) return [];
  const which = members === 'all' ? sql`` : sql`and (k.type <> 'm.room.member' or k.state_key = any(${[...members]}::text[]))`;
  const rows = await sql<(EventRow & { isBefore: boolean })[]>`
    select e.*, s.from_pos <= a.at as "isBefore"
    from   ${rangesTable(sql, rooms)}
    join   state_intervals s on s.room_nid = a.room_nid and s.from_pos <= a.up_to and s.to_pos > a.at and (s.from_pos <= a.at or s.to_pos > a.up_to)
    join   state_keys k on k.key_nid = s.key_nid ${which}
    cross join lateral (select ${eventColumns(sql)} from events where events.event_nid = s.event_nid) e`;
  return rows.map(toStateRow);
}

/** What came to hold in each room after `after`, and holds at `at` or at `upTo`. */
export async function listStateChangesOfRooms(sql: Sql, rooms: readonly StateRange[]): Promise<StateRow[]> {
  if (rooms.length === 0) return [];
  const rows = await sql<(EventRow & { isBefore: boolean })[]>`
    select e.*, s.from_pos <= a.at as "isBefore"
    from   ${rangesTable(sql, rooms)}
    join   state_intervals s on s.room_nid = a.room_nid and s.from_pos > a.after and s.from_pos <= a.up_to and s.to_pos > a.at
                            and (s.from_pos <= a.at or s.to_pos > a.up_to)
    cross join lateral (select ${eventColumns(sql)} from events where events.event_nid = s.event_nid) e`;
  return rows.map(toStateRow);
}

function rangesTable(sql: Sql, rooms: readonly StateRange[]) {
  return sql`unnest(${rooms.map((room) => room.roomNid)}::bigint[], ${rooms.map((room) => room.after)}::bigint[],
                    ${rooms.map((room) => room.at)}::bigint[], ${rooms.map((room) => room.upTo)}::bigint[]) as a(room_nid, after, at, up_to)`;
}

function toStateRow({ isBefore, ...row }: EventRow & { isBefore: boolean }): StateRow {
  return { event: toStoredEvent(row), isBefore };
}

/** The keys of each room that were held at some time after `after`, and are held by nothing at `upTo`. */
export async function listStateLossesOfRooms(
  sql: Sql,
  rooms: readonly { roomNid: number; after: number; upTo: number }[],
): Promise<{ roomNid: number; type: string; stateKey: string }[]> {
  if (rooms.length === 0) return [];
  return await sql<{ roomNid: number; type: string; stateKey: string }[]>`
    select distinct a.room_nid as "roomNid", k.type, k.state_key as "stateKey"
    from   unnest(${rooms.map((room) => room.roomNid)}::bigint[], ${rooms.map((room) => room.after)}::bigint[],
                  ${rooms.map((room) => room.upTo)}::bigint[]) as a(room_nid, after, up_to)
    join   state_intervals s on s.room_nid = a.room_nid and s.to_pos > a.after and s.to_pos <= a.up_to and s.to_pos < 9223372036854775807
    join   state_keys k on k.key_nid = s.key_nid
    where  not exists (
      select from state_intervals h
      where  h.room_nid = a.room_nid and h.key_nid = s.key_nid and h.from_pos <= a.up_to and h.to_pos > a.up_to
    )`;
}

/** The membership events of users in many rooms, each room with its own users and at its own position. */
export async function listMembersOfRooms(
  sql: Sql,
  rooms: readonly { roomNid: number; at: number; userIds: readonly string[] }[],
): Promise<StoredEvent[]> {
  const wanted = rooms.flatMap(({ roomNid, at, userIds }) => userIds.map((userId) => ({ roomNid, at, userId })));
  if (wanted.length === 0) return [];
  const rows = await sql<EventRow[]>`
    select e.* from unnest(${wanted.map((row) => row.roomNid)}::bigint[], ${wanted.map((row) => row.at)}::bigint[],
                           ${wanted.map((row) => row.userId)}::text[]) as a(room_nid, at, user_id)
    join   state_keys k on k.type = 'm.room.member' and k.state_key = a.user_id
    join   state_intervals s on s.key_nid = k.key_nid and s.room_nid = a.room_nid and s.from_pos <= a.at and s.to_pos > a.at
    cross join lateral (select ${eventColumns(sql)} from events where events.event_nid = s.event_nid) e`;
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

/** `here` are the first of the joined and invited members, `gone` of those who left or were banned. */
export type RoomSummaryRow = { roomNid: number; joined: number; invited: number; here: string[]; gone: string[] };

/** How many are joined and invited to each room, and who its first members are, at most `limit` of either kind. */
export async function listRoomSummaries(sql: Sql, roomNids: readonly number[], limit: number): Promise<RoomSummaryRow[]> {
  if (roomNids.length === 0) return [];
  const first = (memberships: readonly number[]) => sql`
    select array_agg(user_id) from (
      select u.user_id from memberships m join users u using (user_nid)
      where  m.room_nid = a.room_nid and m.membership = any(${[...memberships]}::smallint[])
      order  by m.user_nid
      limit  ${limit}
    ) few`;
  return await sql<RoomSummaryRow[]>`
    select a.room_nid as "roomNid", counts.joined, counts.invited, coalesce((${first([1, 2])}), '{}') as here, coalesce((${first([3, 4])}), '{}') as gone
    from   unnest(${[...roomNids]}::bigint[]) as a(room_nid)
    cross join lateral (
      select count(*) filter (where membership = 2)::bigint as joined, count(*) filter (where membership = 1)::bigint as invited
      from   memberships m where m.room_nid = a.room_nid
    ) counts`;
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

/** The events that hold these types with an empty state key in each room, each at its own position. */
export async function listSingularState(
  sql: Sql,
  rooms: readonly { roomNid: number; at: number }[],
  types: readonly string[],
): Promise<{ roomNid: number; type: string; json: string }[]> {
  if (rooms.length === 0) return [];
  return await sql<{ roomNid: number; type: string; json: string }[]>`
    select s.room_nid as "roomNid", k.type, e.json
    from   unnest(${rooms.map((room) => room.roomNid)}::bigint[], ${rooms.map((room) => room.at)}::bigint[]) as a(room_nid, at)
    cross  join state_keys k
    join   state_intervals s on s.room_nid = a.room_nid and s.key_nid = k.key_nid and s.from_pos <= a.at and s.to_pos > a.at
    join   events e on e.event_nid = s.event_nid
    where  k.type = any(${[...types]}::text[]) and k.state_key = ''`;
}

/** The memberships, at positions of the log, of those who sent membership events about others: of who invited somebody. */
export async function listSenderMembers(
  sql: Sql,
  events: readonly { roomNid: number; eventNid: number; at: number }[],
): Promise<{ roomNid: number; json: string }[]> {
  if (events.length === 0) return [];
  return await sql<{ roomNid: number; json: string }[]>`
    select s.room_nid as "roomNid", m.json
    from   unnest(${events.map(({ eventNid }) => eventNid)}::bigint[], ${events.map(({ at }) => at)}::bigint[]) as a(event_nid, at)
    join   events e on e.event_nid = a.event_nid
    join   users u on u.user_nid = e.sender_nid
    join   state_keys k on k.type = 'm.room.member' and k.state_key = u.user_id and k.key_nid <> e.key_nid
    join   state_intervals s on s.room_nid = e.room_nid and s.key_nid = k.key_nid and s.from_pos <= a.at and s.to_pos > a.at
    join   events m on m.event_nid = s.event_nid`;
}

/** Those of the rooms in which the user came to be joined after a position: 0 for ever. */
export async function listRoomsJoinedSince(sql: Sql, userId: string, roomNids: readonly number[], after: number): Promise<Set<number>> {
  if (roomNids.length === 0) return new Set();
  const rows = await sql<{ roomNid: number; json: string }[]>`
    select s.room_nid as "roomNid", e.json
    from   state_keys k
    join   state_intervals s on s.key_nid = k.key_nid and s.room_nid = any(${[...roomNids]}::bigint[]) and s.from_pos > ${after}
    join   events e on e.event_nid = s.event_nid
    where  k.type = 'm.room.member' and k.state_key = ${userId}`;
  return new Set(rows.filter((row) => JSON.parse(row.json).content.membership === 'join').map((row) => row.roomNid));
}

/** The state keys of a type in each of the rooms now, with their events. */
export async function listStateOfType(sql: Sql, roomNids: readonly number[], type: string): Promise<{ stateKey: string; json: string }[]> {
  if (roomNids.length === 0) return [];
  return await sql<{ stateKey: string; json: string }[]>`
    select k.state_key as "stateKey", e.json
    from   state_intervals s
    join   state_keys k on k.key_nid = s.key_nid and k.type = ${type}
    join   events e on e.event_nid = s.event_nid
    where  s.room_nid = any(${[...roomNids]}::bigint[]) and s.to_pos = 9223372036854775807`;
}
