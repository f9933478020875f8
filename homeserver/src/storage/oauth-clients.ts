import type { Sql } from './database.ts';

/** A registered client; `metadata` is JSON text. */
export type OAuthClientRow = { clientId: string; metadata: string };

/** Registers a client, or finds the one with the same metadata. */
export async function internOAuthClient(
  sql: Sql,
  client: { clientId: string; metadata: string; metadataHash: Uint8Array; now: number },
): Promise<string> {
  const { clientId, metadata, metadataHash, now } = client;
  const [row] = await sql<{ clientId: string }[]>`
    insert into oauth_clients (client_id, metadata, metadata_hash, created_at, used_at)
    values (${clientId}, ${metadata}, ${metadataHash}, ${now}, ${now})
    on conflict (metadata_hash) do update set used_at = excluded.used_at
    returning client_id as "clientId"`;
  if (row === undefined) throw new Error('an OAuth client was not stored');
  return row.clientId;
}

export async function findOAuthClient(sql: Sql, clientId: string): Promise<OAuthClientRow | undefined> {
  const [row] = await sql<OAuthClientRow[]>`
    select client_id as "clientId", metadata from oauth_clients where client_id = ${clientId}`;
  return row;
}

export async function countOAuthClients(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*) as count from oauth_clients`;
  return row?.count ?? 0;
}

/** Forgets clients that nobody is logged in with and that were not registered again since a time. */
export async function deleteUnusedOAuthClients(sql: Sql, unusedSince: number): Promise<void> {
  await sql`
    delete from oauth_clients c
    where  c.used_at < ${unusedSince} and not exists (select from oauth_sessions s where s.client_id = c.client_id)`;
}
