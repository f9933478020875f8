import type { Sql } from './database.ts';

export type OutboxRow = { position: number; ordinal: number; destination: string; eduType: string; content: string };
/** `sender`: who is accountable for the room that it takes while it waits; null for what the server itself tells. */
export type SendableRow = OutboxRow & { sender: string | null };
type NewEdus = {
  position: number;
  eduType: string;
  contents: readonly { destination: string; content: string }[];
  /** Who is accountable for the room that they take while they wait. */
  sender?: string;
};

/** Queues an EDU for each destination. `position` orders them with everything else that goes there. */
export async function insertOutbox(sql: Sql, { position, eduType, contents, sender }: NewEdus): Promise<void> {
  if (contents.length === 0) return;
  await sql`
    insert into federation_outbox (position, ordinal, destination, edu_type, content, sender)
    select ${position}, a.ord, a.destination, ${eduType}, a.content, ${sender ?? null}
    from unnest(${contents.map((entry) => entry.destination)}::text[], ${contents.map((entry) => entry.content)}::text[])
         with ordinality as a(destination, content, ord)`;
}

/** The oldest EDUs that wait for a destination: at most `limit`, and of those as many as fit into so many bytes, but one at least. */
export async function listOutbox(
  sql: Sql,
  destination: string,
  { limit, maxBytes }: { limit: number; maxBytes: number },
): Promise<SendableRow[]> {
  return await sql<SendableRow[]>`
    select o.position, o.ordinal, o.destination, o.edu_type as "eduType", o.content, o.sender
    from   federation_outbox o
    join   (
      select position, ordinal, sum(bytes) over (order by position, ordinal) - bytes as "bytesBefore"
      from   (
        select position, ordinal, octet_length(content) as bytes
        from   federation_outbox
        where  destination = ${destination}
        order  by position, ordinal
        limit  ${limit}
      ) as oldest
    ) as sized using (position, ordinal)
    where  o.destination = ${destination} and (sized."bytesBefore" = 0 or sized."bytesBefore" + octet_length(o.content) <= ${maxBytes})
    order  by o.position, o.ordinal`;
}

/** What waits for other servers beside events, by kind. */
export async function countOutbox(sql: Sql): Promise<{ eduType: string; rows: number; bytes: number }[]> {
  return await sql<{ eduType: string; rows: number; bytes: number }[]>`
    select edu_type as "eduType", count(*)::bigint as rows, sum(octet_length(content))::bigint as bytes from federation_outbox group by edu_type`;
}

/** How many bytes of messages to devices wait for other servers, by who sent them. */
export async function sumOutboxBytes(sql: Sql): Promise<{ sender: string; bytes: number }[]> {
  return await sql<{ sender: string; bytes: number }[]>`
    select sender, sum(octet_length(content))::bigint as bytes from federation_outbox where sender is not null group by sender`;
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
