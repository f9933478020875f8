import type { Sql } from './database.ts';

/** An event that is not here; it stands below `topological`, the lowest place of what is known to be above it: such as the events that build upon it. */
export type BackwardExtremity = { eventId: string; topological: number };

/** Notes events that stored events build upon and that are not here. */
export async function insertBackwardExtremities(sql: Sql, roomNid: number, extremities: readonly BackwardExtremity[]): Promise<void> {
  if (extremities.length === 0) return;
  await sql`
    insert into backward_extremities (room_nid, event_id, topological)
    select ${roomNid}, * from unnest(${extremities.map((extremity) => extremity.eventId)}::text[],
                                     ${extremities.map((extremity) => extremity.topological)}::bigint[])
    on conflict (room_nid, event_id) do update
      set topological = least(backward_extremities.topological, excluded.topological)`;
}

export async function deleteBackwardExtremities(sql: Sql, roomNid: number, eventIds: readonly string[]): Promise<void> {
  if (eventIds.length > 0)
    await sql`delete from backward_extremities where room_nid = ${roomNid} and event_id = any(${[...eventIds]}::text[])`;
}

/** The newest of those that belong between two places of the room's own order. */
export async function listBackwardExtremities(
  sql: Sql,
  roomNid: number,
  { from, downTo, limit }: { from: number; downTo: number; limit: number },
): Promise<BackwardExtremity[]> {
  return await sql<BackwardExtremity[]>`
    select event_id as "eventId", topological from backward_extremities
    where  room_nid = ${roomNid} and topological <= ${from} and topological >= ${downTo}
    order  by topological desc, event_id
    limit  ${limit}`;
}

/** Those of the events that others here build upon and that are not here. */
export async function listAwaited(sql: Sql, roomNid: number, eventIds: readonly string[]): Promise<BackwardExtremity[]> {
  return await sql<BackwardExtremity[]>`
    select event_id as "eventId", topological from backward_extremities
    where  room_nid = ${roomNid} and event_id = any(${[...eventIds]}::text[])`;
}

/** The event among them, if others here build upon it and it is not here. */
export async function findBackwardExtremity(sql: Sql, roomNid: number, eventId: string): Promise<BackwardExtremity | undefined> {
  const [row] = await sql<BackwardExtremity[]>`
    select event_id as "eventId", topological from backward_extremities where room_nid = ${roomNid} and event_id = ${eventId}`;
  return row;
}
