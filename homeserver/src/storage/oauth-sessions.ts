import type { Sql } from './database.ts';

export type OAuthSessionRow = { clientId: string; scope: string };

/** Notes which client a device was logged in with. */
export async function upsertOAuthSession(
  sql: Sql,
  session: { userNid: number; deviceId: string; clientId: string; scope: string; createdAt: number },
): Promise<void> {
  const { userNid, deviceId, clientId, scope, createdAt } = session;
  await sql`
    insert into oauth_sessions (user_nid, device_id, client_id, scope, created_at)
    values (${userNid}, ${deviceId}, ${clientId}, ${scope}, ${createdAt})
    on conflict (user_nid, device_id) do update
    set    client_id = excluded.client_id, scope = excluded.scope, created_at = excluded.created_at`;
}

export async function findOAuthSession(sql: Sql, userNid: number, deviceId: string): Promise<OAuthSessionRow | undefined> {
  const [row] = await sql<OAuthSessionRow[]>`
    select client_id as "clientId", scope from oauth_sessions where user_nid = ${userNid} and device_id = ${deviceId}`;
  return row;
}

/** A device that logs in by other means belongs to no client any more. */
export async function deleteOAuthSession(sql: Sql, userNid: number, deviceId: string): Promise<void> {
  await sql`delete from oauth_sessions where user_nid = ${userNid} and device_id = ${deviceId}`;
}
