import type { Sql } from './database.ts';

export type QueueEntry = { destination: string; roomNid: number; eventNid: number };

/** Queues events for other servers. What is queued already stays where it is. */
export async function enqueuePdus(sql: Sql, entries: readonly QueueEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await sql`
    insert into federation_queue (destination, event_nid)
    select * from unnest(${entries.map((entry) => entry.destination)}::text[], ${entries.map((entry) => entry.eventNid)}::bigint[])
    on conflict do nothing`;
}

export type QueuedPdu = { eventNid: number; json: string };

/** The events that have waited longest for a destination, as the text to send. */
export async function listQueuedPdus(sql: Sql, destination: string, limit: number): Promise<QueuedPdu[]> {
  return await sql<QueuedPdu[]>`
    select q.event_nid as "eventNid", e.json
    from   federation_queue q join events e using (event_nid)
    where  q.destination = ${destination}
    order  by q.event_nid
    limit  ${limit}`;
}

export async function deleteQueuedPdus(sql: Sql, destination: string, eventNids: readonly number[]): Promise<void> {
  if (eventNids.length === 0) return;
  await sql`delete from federation_queue where destination = ${destination} and event_nid = any(${[...eventNids]}::bigint[])`;
}

/** The same for events of several destinations. */
export async function deleteSentPdus(sql: Sql, sent: readonly { destination: string; eventNid: number }[]): Promise<void> {
  if (sent.length === 0) return;
  await sql`
    delete from federation_queue q
    using  unnest(${sent.map((entry) => entry.destination)}::text[], ${sent.map((entry) => entry.eventNid)}::bigint[]) as s(destination, event_nid)
    where  q.destination = s.destination and q.event_nid = s.event_nid`;
}

/** How many events wait for each destination. */
export async function countQueued(sql: Sql): Promise<{ destination: string; events: number }[]> {
  return await sql<{ destination: string; events: number }[]>`
    select destination, count(*)::int as events from federation_queue group by destination`;
}

/** By room, the newest event that concerns a server which has been away for long. */
export type CatchUpEntry = { roomNid: number; eventNid: number };

/** The rooms in which a destination has most to catch up with: those whose newest event is oldest come first. */
export async function listCatchUp(sql: Sql, destination: string, limit: number): Promise<CatchUpEntry[]> {
  return await sql<CatchUpEntry[]>`
    select room_nid as "roomNid", event_nid as "eventNid" from federation_catch_up
    where  destination = ${destination}
    order  by event_nid
    limit  ${limit}`;
}

/** The destinations that are to catch up. */
export async function listCatchUpDestinations(sql: Sql): Promise<string[]> {
  const rows = await sql<{ destination: string }[]>`select distinct destination from federation_catch_up`;
  return rows.map((row) => row.destination);
}

/** Notes events for servers that are to catch up: only the newest of each room is kept. */
export async function noteCatchUp(sql: Sql, entries: readonly QueueEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await sql`
    insert into federation_catch_up (destination, room_nid, event_nid)
    select a.destination, a.room_nid, max(a.event_nid)
    from   unnest(${entries.map((entry) => entry.destination)}::text[], ${entries.map((entry) => entry.roomNid)}::bigint[],
                  ${entries.map((entry) => entry.eventNid)}::bigint[]) as a(destination, room_nid, event_nid)
    group  by 1, 2
    on conflict (destination, room_nid) do update set event_nid = greatest(federation_catch_up.event_nid, excluded.event_nid)`;
}

/** Keeps of a destination's queue only the newest event of each room, from which it will ask for the rest when it is back. */
export async function collapseQueue(sql: Sql, destination: string): Promise<void> {
  await sql`
    with taken as (delete from federation_queue where destination = ${destination} returning event_nid)
    insert into federation_catch_up (destination, room_nid, event_nid)
    select ${destination}, e.room_nid, max(e.event_nid) from taken join events e using (event_nid) group by e.room_nid
    on conflict (destination, room_nid) do update set event_nid = greatest(federation_catch_up.event_nid, excluded.event_nid)`;
}

/** Forgets the rooms that a destination has caught up with up to an event. One for which something newer was noted meanwhile stays. */
export async function deleteCatchUp(sql: Sql, destination: string, entries: readonly { roomNid: number; upTo: number }[]): Promise<void> {
  if (entries.length === 0) return;
  await sql`
    delete from federation_catch_up c
    using  unnest(${entries.map((entry) => entry.roomNid)}::bigint[], ${entries.map((entry) => entry.upTo)}::bigint[]) as a(room_nid, up_to)
    where  c.destination = ${destination} and c.room_nid = a.room_nid and c.event_nid <= a.up_to`;
}
