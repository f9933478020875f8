import type { Sql } from './database.ts';

export type HolderBefore = { eventNid: number; type: string; stateKey: string; holderNid: number; holderId: string; json: string };

/**
 * Who held some keys in the state before each of some events, as far as that is known of them: what is laid on the base of an event counts
 * before what the base says.
 */
export async function listHoldersBefore(
  sql: Sql,
  asked: readonly { eventNid: number; type: string; stateKey: string }[],
): Promise<HolderBefore[]> {
  if (asked.length === 0) return [];
  return await sql<HolderBefore[]>`
    select a.event_nid as "eventNid", a.type, a.state_key as "stateKey", h.event_nid as "holderNid", h.event_id as "holderId", h.json
    from   unnest(${asked.map((row) => row.eventNid)}::bigint[], ${asked.map((row) => row.type)}::text[],
                  ${asked.map((row) => row.stateKey)}::text[]) as a(event_nid, type, state_key)
    join   state_keys k on k.type = a.type and k.state_key = a.state_key
    join   events e on e.event_nid = a.event_nid
    left join state_deltas d on d.event_nid = e.event_nid and d.key_nid = k.key_nid
    left join state_snapshots n on n.snapshot_id = e.base_snapshot and n.key_nid = k.key_nid
    left join state_intervals i
      on i.room_nid = e.room_nid and i.key_nid = k.key_nid and i.from_pos <= e.base_pos and i.to_pos > e.base_pos
    join   events h on h.event_nid = case when d.event_nid is null then coalesce(n.state_event_nid, i.event_nid) else d.state_event_nid end`;
}

/** Whether a user of the server was in the room in the state before an event: joined, or with `invited` also invited. */
export async function wasServerThereBefore(
  sql: Sql,
  { eventNid, serverName, invited }: { eventNid: number; serverName: string; invited: boolean },
): Promise<boolean> {
  const suffix = `:${serverName}`;
  const rows = await sql`
    with base as (
      select i.key_nid, i.event_nid from events e
      join   state_intervals i on i.room_nid = e.room_nid and i.from_pos <= e.base_pos and i.to_pos > e.base_pos
      where  e.event_nid = ${eventNid}
      union all
      select n.key_nid, n.state_event_nid from events e join state_snapshots n on n.snapshot_id = e.base_snapshot
      where  e.event_nid = ${eventNid}
    ),
    laid as (select key_nid, state_event_nid as event_nid from state_deltas where event_nid = ${eventNid})
    select 1
    from  (select * from laid union all select * from base where key_nid not in (select key_nid from laid)) h
    join   state_keys k using (key_nid) join events m on m.event_nid = h.event_nid
    where  k.type = 'm.room.member' and right(k.state_key, ${suffix.length}) = ${suffix}
    and    (m.json like '%"membership":"join"%' or (${invited} and m.json like '%"membership":"invite"%'))
    limit  1`;
  return rows.length > 0;
}
