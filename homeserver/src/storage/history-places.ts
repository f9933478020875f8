import type { Sql } from './database.ts';

/** An event by which one finds where in a room's history another stands that came by backfill: one behind a gap, or backfilled state. */
export type HistoryPlace = {
  roomNid: number;
  eventNid: number;
  topological: number;
  /** Null for backfilled state. */
  position: number | null;
  type: string;
  json: string;
};

/** The events behind gaps in these rooms, and what came by backfill of the state under some keys; in the rooms' own order. */
export async function listHistoryPlaces(
  sql: Sql,
  roomNids: readonly number[],
  keys: readonly { type: string; stateKey: string }[],
): Promise<HistoryPlace[]> {
  if (roomNids.length === 0) return [];
  return await sql<HistoryPlace[]>`
    select room_nid as "roomNid", event_nid as "eventNid", topological, position, type, '' as json
    from   events
    where  room_nid = any(${[...roomNids]}::bigint[]) and position is not null and topological % 16777216 = 0
    union all
    select e.room_nid, e.event_nid, e.topological, e.position, e.type, e.json
    from   unnest(${keys.map((key) => key.type)}::text[], ${keys.map((key) => key.stateKey)}::text[]) as wanted(type, state_key)
    join   state_keys k on k.type = wanted.type and k.state_key = wanted.state_key
    join   events e on e.room_nid = any(${[...roomNids]}::bigint[]) and e.key_nid = k.key_nid and e.kind = 1
    order  by topological, "eventNid"`;
}
