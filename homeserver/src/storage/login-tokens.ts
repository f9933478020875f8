import type { Sql } from './database.ts';

export async function insertLoginToken(sql: Sql, token: { tokenHash: Uint8Array; userNid: number; expiresAt: number }): Promise<void> {
  await sql`
    insert into login_tokens (token_hash, user_nid, expires_at)
    values (${token.tokenHash}, ${token.userNid}, ${token.expiresAt})`;
}

/** Takes a token out of the table, so that it works once. Returns whose it is while it is fresh. */
export async function takeLoginToken(sql: Sql, tokenHash: Uint8Array, now: number): Promise<number | undefined> {
  const [row] = await sql<{ userNid: number; expiresAt: number }[]>`
    delete from login_tokens where token_hash = ${tokenHash} returning user_nid as "userNid", expires_at as "expiresAt"`;
  return row !== undefined && row.expiresAt > now ? row.userNid : undefined;
}

export async function deleteExpiredLoginTokens(sql: Sql, now: number): Promise<void> {
  await sql`delete from login_tokens where expires_at <= ${now}`;
}
