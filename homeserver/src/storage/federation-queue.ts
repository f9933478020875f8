import type { Sql } from './database.ts';

/** Queues events for other servers. What is queued already stays where it is. */
export async function enqueuePdus(sql: Sql, entries: readonly { destination: string; eventNid: number }[]): Promise<void> {
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

/** Keeps only the newest events that wait for a destination which has been away for long; it will ask for the rest when it is back. */
export async function trimQueue(sql: Sql, destination: string, keep: number): Promise<void> {
  await sql`
    delete from federation_queue
    where  destination = ${destination}
    and    event_nid < (select event_nid from federation_queue where destination = ${destination}
                        order by event_nid desc offset ${keep - 1} limit 1)`;
}

/** The servers for which events wait. */
export async function listQueueDestinations(sql: Sql): Promise<string[]> {
  const rows = await sql<{ destination: string }[]>`select distinct destination from federation_queue`;
  return rows.map((row) => row.destination);
}

export type DestinationFailure = { failures: number; failingSince: number; retryAt: number };

export async function findDestinationFailure(sql: Sql, destination: string): Promise<DestinationFailure | undefined> {
  const [row] = await sql<DestinationFailure[]>`
    select failures, failing_since as "failingSince", retry_at as "retryAt" from federation_destinations where destination = ${destination}`;
  return row;
}

export async function saveDestinationFailure(sql: Sql, destination: string, failure: DestinationFailure): Promise<void> {
  await sql`
    insert into federation_destinations (destination, failures, failing_since, retry_at)
    values (${destination}, ${failure.failures}, ${failure.failingSince}, ${failure.retryAt})
    on conflict (destination) do update set failures = excluded.failures, retry_at = excluded.retry_at`;
}

export async function clearDestinationFailure(sql: Sql, destination: string): Promise<void> {
  await sql`delete from federation_destinations where destination = ${destination}`;
}
