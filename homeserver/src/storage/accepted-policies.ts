import type { Sql } from './database.ts';

/** Notes the documents that a person has accepted, by name and version. */
export async function insertAcceptedPolicies(
  sql: Sql,
  userNid: number,
  policies: readonly { policy: string; version: string }[],
  acceptedAt: number,
): Promise<void> {
  await sql`
    insert into accepted_policies (user_nid, policy, version, accepted_at)
    select ${userNid}, policy, version, ${acceptedAt}
    from   unnest(${policies.map(({ policy }) => policy)}::text[], ${policies.map(({ version }) => version)}::text[]) as p (policy, version)
    on conflict do nothing`;
}
