import type { Sql } from './database.ts';

/** Notes events that stored events build upon and that are not here. */
export async function insertBackwardExtremities(sql: Sql, roomNid: number, eventIds: readonly string[]): Promise<void> {
  if (eventIds.length === 0) return;
  await sql`
    insert into backward_extremities (room_nid, event_id)
    select ${roomNid}, * from unnest(${[...eventIds]}::text[]) on conflict do nothing`;
}

export async function deleteBackwardExtremities(sql: Sql, roomNid: number, eventIds: readonly string[]): Promise<void> {
  if (eventIds.length > 0)
    await sql`delete from backward_extremities where room_nid = ${roomNid} and event_id = any(${[...eventIds]}::text[])`;
}

export async function listBackwardExtremities(sql: Sql, roomNid: number, limit: number): Promise<string[]> {
  const rows = await sql<{ eventId: string }[]>`
    select event_id as "eventId" from backward_extremities where room_nid = ${roomNid} order by event_id limit ${limit}`;
  return rows.map((row) => row.eventId);
}
