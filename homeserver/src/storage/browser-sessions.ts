import type { Sql } from './database.ts';

export async function insertBrowserSession(
  sql: Sql,
  session: { tokenHash: Uint8Array; userNid: number; createdAt: number; expiresAt: number },
): Promise<void> {
  await sql`
    insert into browser_sessions (token_hash, user_nid, created_at, expires_at)
    values (${session.tokenHash}, ${session.userNid}, ${session.createdAt}, ${session.expiresAt})`;
}

/** Who is signed in to our pages by a cookie, and since when. */
export async function findBrowserSession(
  sql: Sql,
  tokenHash: Uint8Array,
  now: number,
): Promise<{ userNid: number; createdAt: number } | undefined> {
  const [row] = await sql<{ userNid: number; createdAt: number }[]>`
    select user_nid as "userNid", created_at as "createdAt" from browser_sessions where token_hash = ${tokenHash} and expires_at > ${now}`;
  return row;
}

export async function deleteBrowserSession(sql: Sql, tokenHash: Uint8Array): Promise<void> {
  await sql`delete from browser_sessions where token_hash = ${tokenHash}`;
}

/** Signs a person out of our pages in every browser. */
export async function deleteBrowserSessionsOf(sql: Sql, userNid: number): Promise<void> {
  await sql`delete from browser_sessions where user_nid = ${userNid}`;
}

export async function deleteExpiredBrowserSessions(sql: Sql, now: number): Promise<void> {
  await sql`delete from browser_sessions where expires_at <= ${now}`;
}
