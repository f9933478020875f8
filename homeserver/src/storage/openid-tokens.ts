import type { Sql } from './database.ts';

export async function insertOpenIdToken(sql: Sql, token: { tokenHash: Uint8Array; userNid: number; expiresAt: number }): Promise<void> {
  await sql`
    insert into openid_tokens (token_hash, user_nid, expires_at)
    values (${token.tokenHash}, ${token.userNid}, ${token.expiresAt})`;
}

/** The user id of the active account a token belongs to, while it is fresh. */
export async function findOpenIdUser(sql: Sql, tokenHash: Uint8Array, now: number): Promise<string | undefined> {
  const [row] = await sql<{ userId: string }[]>`
    select u.user_id as "userId"
    from   openid_tokens t join accounts a using (user_nid) join users u using (user_nid)
    where  t.token_hash = ${tokenHash} and t.expires_at > ${now} and a.status = 'active'`;
  return row?.userId;
}

export async function deleteExpiredOpenIdTokens(sql: Sql, now: number): Promise<void> {
  await sql`delete from openid_tokens where expires_at <= ${now}`;
}
