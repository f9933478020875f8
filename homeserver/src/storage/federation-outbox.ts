import type { Sql } from './database.ts';

export type OutboxRow = { position: number; ordinal: number; destination: string; eduType: string; content: string };

/** Queues an EDU for each destination. `position` orders them with everything else that goes there. */
export async function insertOutbox(
  sql: Sql,
  { position, eduType, contents }: { position: number; eduType: string; contents: readonly { destination: string; content: string }[] },
): Promise<void> {
  if (contents.length === 0) return;
  await sql`
    insert into federation_outbox (position, ordinal, destination, edu_type, content)
    select ${position}, a.ord, a.destination, ${eduType}, a.content
    from unnest(${contents.map((entry) => entry.destination)}::text[], ${contents.map((entry) => entry.content)}::text[])
         with ordinality as a(destination, content, ord)`;
}

/** The oldest EDUs that wait for a destination. */
export async function listOutbox(sql: Sql, destination: string, limit: number): Promise<OutboxRow[]> {
  return await sql<OutboxRow[]>`
    select position, ordinal, destination, edu_type as "eduType", content
    from   federation_outbox
    where  destination = ${destination}
    order  by position, ordinal
    limit  ${limit}`;
}

/** The EDUs that wait for a destination, other than messages to devices, from a place on. */
export async function listOutboxUpdates(
  sql: Sql,
  destination: string,
  { after, limit }: { after: { position: number; ordinal: number }; limit: number },
): Promise<OutboxRow[]> {
  return await sql<OutboxRow[]>`
    select position, ordinal, destination, edu_type as "eduType", content
    from   federation_outbox
    where  destination = ${destination} and edu_type <> 'm.direct_to_device'
    and    (position, ordinal) > (${after.position}, ${after.ordinal})
    order  by position, ordinal
    limit  ${limit}`;
}

/** Puts others' contents in the place of some EDUs' own. */
export async function replaceOutboxContents(sql: Sql, rows: readonly OutboxRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    update federation_outbox o set content = s.content
    from   unnest(${rows.map((row) => row.destination)}::text[], ${rows.map((row) => row.position)}::bigint[],
                  ${rows.map((row) => row.ordinal)}::int[], ${rows.map((row) => row.content)}::text[]) as s(destination, position, ordinal, content)
    where  o.destination = s.destination and o.position = s.position and o.ordinal = s.ordinal`;
}

/** Keeps only so many of the messages to devices that wait for a destination, the newest. Returns how many were dropped. */
export async function dropOldestToDevice(sql: Sql, destination: string, keep: number): Promise<number> {
  const rows = await sql`
    delete from federation_outbox o
    using (
      select position, ordinal from federation_outbox
      where  destination = ${destination} and edu_type = 'm.direct_to_device'
      order  by position desc, ordinal desc
      offset ${keep}
    ) as old
    where  o.destination = ${destination} and o.position = old.position and o.ordinal = old.ordinal
    returning 1`;
  return rows.length;
}

/** Forgets the EDUs that the destination has acknowledged. */
export async function deleteOutbox(sql: Sql, sent: readonly OutboxRow[]): Promise<void> {
  if (sent.length === 0) return;
  await sql`
    delete from federation_outbox o
    using  unnest(${sent.map((row) => row.destination)}::text[], ${sent.map((row) => row.position)}::bigint[],
                  ${sent.map((row) => row.ordinal)}::int[]) as s(destination, position, ordinal)
    where  o.destination = s.destination and o.position = s.position and o.ordinal = s.ordinal`;
}

/** The destinations for which something waits. */
export async function listOutboxDestinations(sql: Sql): Promise<string[]> {
  const rows = await sql<{ destination: string }[]>`select distinct destination from federation_outbox`;
  return rows.map((row) => row.destination);
}
