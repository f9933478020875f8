import type { Sql } from './database.ts';

/** Ties an identity at a provider to an account. False when it is tied already. */
export async function insertUpstreamIdentity(
  sql: Sql,
  identity: { issuer: string; subject: string; userNid: number; createdAt: number },
): Promise<boolean> {
  const rows = await sql`
    insert into upstream_identities (issuer, subject, user_nid, created_at)
    values (${identity.issuer}, ${identity.subject}, ${identity.userNid}, ${identity.createdAt})
    on conflict do nothing
    returning 1`;
  return rows.length > 0;
}

/** The number of the person behind an identity at a provider. */
export async function findUpstreamOwner(sql: Sql, issuer: string, subject: string): Promise<number | undefined> {
  const [row] = await sql<{ userNid: number }[]>`
    select user_nid as "userNid" from upstream_identities where issuer = ${issuer} and subject = ${subject}`;
  return row?.userNid;
}

export type UpstreamIdentityRow = { issuer: string; subject: string; createdAt: number };

export async function listUpstreamIdentities(sql: Sql, userNid: number): Promise<UpstreamIdentityRow[]> {
  return await sql<UpstreamIdentityRow[]>`
    select issuer, subject, created_at as "createdAt" from upstream_identities where user_nid = ${userNid} order by created_at, issuer`;
}

export async function hasUpstreamIdentity(sql: Sql, userNid: number): Promise<boolean> {
  const rows = await sql`select 1 from upstream_identities where user_nid = ${userNid} limit 1`;
  return rows.length > 0;
}

/** False when the account had no such identity. */
export async function deleteUpstreamIdentity(sql: Sql, identity: { issuer: string; subject: string; userNid: number }): Promise<boolean> {
  const { issuer, subject, userNid } = identity;
  const rows = await sql`
    delete from upstream_identities where issuer = ${issuer} and subject = ${subject} and user_nid = ${userNid} returning 1`;
  return rows.length > 0;
}

export async function deleteUpstreamIdentities(sql: Sql, userNid: number): Promise<void> {
  await sql`delete from upstream_identities where user_nid = ${userNid}`;
}
