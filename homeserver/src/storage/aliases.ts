import type { Sql } from './database.ts';
import { isUniqueViolation } from './database-errors.ts';

export type AliasRow = { alias: string; roomNid: number; roomId: string; creatorNid: number };

export async function findAlias(sql: Sql, alias: string): Promise<AliasRow | undefined> {
  const [row] = await sql<AliasRow[]>`
    select a.alias, a.room_nid as "roomNid", r.room_id as "roomId", a.creator_nid as "creatorNid"
    from   room_aliases a join rooms r using (room_nid)
    where  a.alias = ${alias}`;
  return row;
}

/** Claims an alias; `isAliasTaken` tells the failure that it is taken from others. */
export async function insertAlias(sql: Sql, row: { alias: string; roomNid: number; creatorNid: number; createdAt: number }): Promise<void> {
  await sql`
    insert into room_aliases (alias, room_nid, creator_nid, created_at)
    values (${row.alias}, ${row.roomNid}, ${row.creatorNid}, ${row.createdAt})`;
}

export function isAliasTaken(error: unknown): boolean {
  return isUniqueViolation(error, 'room_aliases_pkey');
}

export async function deleteAlias(sql: Sql, alias: string): Promise<void> {
  await sql`delete from room_aliases where alias = ${alias}`;
}

export async function listAliasesOfRoom(sql: Sql, roomNid: number): Promise<string[]> {
  const rows = await sql<{ alias: string }[]>`select alias from room_aliases where room_nid = ${roomNid} order by alias`;
  return rows.map((row) => row.alias);
}

/** Lists a room in this server's directory, or takes it out. */
export async function setPublished(sql: Sql, roomNid: number, isPublished: boolean): Promise<void> {
  if (isPublished) await sql`insert into published_rooms (room_nid) values (${roomNid}) on conflict do nothing`;
  else await sql`delete from published_rooms where room_nid = ${roomNid}`;
}

export async function isPublished(sql: Sql, roomNid: number): Promise<boolean> {
  const rows = await sql`select 1 from published_rooms where room_nid = ${roomNid}`;
  return rows.length > 0;
}

/** The rooms this server lists, those with most members first. */
export async function listPublishedRooms(sql: Sql): Promise<{ roomNid: number; roomId: string; joined: number }[]> {
  return await sql<{ roomNid: number; roomId: string; joined: number }[]>`
    select p.room_nid as "roomNid", r.room_id as "roomId",
           (select count(*) from memberships m where m.room_nid = p.room_nid and m.membership = 2)::bigint as joined
    from   published_rooms p join rooms r using (room_nid)
    order  by joined desc, p.room_nid`;
}

/** Points every alias of one room at another, and lists the other in its place. */
export async function moveAliases(sql: Sql, { from, to }: { from: number; to: number }): Promise<void> {
  await sql`update room_aliases set room_nid = ${to} where room_nid = ${from}`;
  await sql`
    insert into published_rooms (room_nid) select ${to}::bigint from published_rooms where room_nid = ${from}
    on conflict do nothing`;
  await sql`delete from published_rooms where room_nid = ${from}`;
}

/** Those among the rooms that this server lists. */
export async function listPublishedAmong(sql: Sql, roomNids: readonly number[]): Promise<Set<number>> {
  if (roomNids.length === 0) return new Set();
  const rows = await sql<{ roomNid: number }[]>`
    select room_nid as "roomNid" from published_rooms where room_nid = any(${[...roomNids]}::bigint[])`;
  return new Set(rows.map((row) => row.roomNid));
}
