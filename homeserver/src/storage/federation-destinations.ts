import type { Sql } from './database.ts';

/** How the last attempts to reach a server went. Times in ms. */
export type DestinationFailure = { failures: number; failingSince: number; retryAt: number };

/** The servers that could not be reached when they were last tried. */
export async function listDestinationFailures(sql: Sql): Promise<(DestinationFailure & { destination: string })[]> {
  return await sql<(DestinationFailure & { destination: string })[]>`
    select destination, failures, failing_since as "failingSince", retry_at as "retryAt" from federation_destinations`;
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

/** The servers whose users are in rooms that this one knows, and those that could not be reached, in the order of their names. */
export async function listDestinations(sql: Sql): Promise<string[]> {
  const rows = await sql<{ server: string }[]>`
    select distinct substring(u.user_id from position(':' in u.user_id) + 1) as server
    from   users u
    where  not u.is_local and exists (select from memberships m where m.user_nid = u.user_nid and m.membership = 2)
    union
    select destination from federation_destinations
    order  by server`;
  return rows.map((row) => row.server);
}
