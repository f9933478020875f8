import type { Sql } from './database.ts';

/** The memberships of those who have been joined longest: by whom a room without a name is called. */
export async function listHeroNids(sql: Sql, roomNid: number, limit: number): Promise<number[]> {
  const rows = await sql<{ eventNid: number }[]>`
    select event_nid as "eventNid" from memberships
    where  room_nid = ${roomNid} and membership = 2 and event_nid is not null
    order  by position, user_nid
    limit  ${limit}`;
  return rows.map((row) => row.eventNid);
}

/** Those of the events that are memberships. */
export async function listMemberNids(sql: Sql, eventNids: readonly number[]): Promise<number[]> {
  const rows = await sql<{ eventNid: number }[]>`
    select event_nid as "eventNid" from events where event_nid = any(${[...eventNids]}::bigint[]) and type = 'm.room.member'`;
  return rows.map((row) => row.eventNid);
}
