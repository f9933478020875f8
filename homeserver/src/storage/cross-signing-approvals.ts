import type { Sql } from './database.ts';

/** Notes that a person allows their cross-signing keys to be replaced until a time. */
export async function upsertCrossSigningApproval(sql: Sql, userNid: number, expiresAt: number): Promise<void> {
  await sql`
    insert into cross_signing_approvals (user_nid, expires_at) values (${userNid}, ${expiresAt})
    on conflict (user_nid) do update set expires_at = excluded.expires_at`;
}

export async function hasCrossSigningApproval(sql: Sql, userNid: number, now: number): Promise<boolean> {
  const rows = await sql`select 1 from cross_signing_approvals where user_nid = ${userNid} and expires_at > ${now}`;
  return rows.length > 0;
}

/** An approval allows one replacement. */
export async function deleteCrossSigningApproval(sql: Sql, userNid: number): Promise<void> {
  await sql`delete from cross_signing_approvals where user_nid = ${userNid}`;
}
