import type { Sql } from './database.ts';

export type Threepid = { medium: string; address: string; validatedAt: number; addedAt: number };

/** Binds an address to an account. False when the address belongs to an account already. */
export async function insertThreepid(
  sql: Sql,
  threepid: { userNid: number; medium: string; address: string; validatedAt: number; addedAt: number },
): Promise<boolean> {
  const { userNid, medium, address, validatedAt, addedAt } = threepid;
  const rows = await sql`
    insert into threepids (medium, address, user_nid, validated_at, added_at)
    values (${medium}, ${address}, ${userNid}, ${validatedAt}, ${addedAt})
    on conflict do nothing
    returning 1`;
  return rows.length > 0;
}

/** The number of the person an address belongs to. */
export async function findThreepidOwner(sql: Sql, medium: string, address: string): Promise<number | undefined> {
  const [row] = await sql<{ userNid: number }[]>`
    select user_nid as "userNid" from threepids where medium = ${medium} and address = ${address}`;
  return row?.userNid;
}

export async function listThreepids(sql: Sql, userNid: number): Promise<Threepid[]> {
  return await sql<Threepid[]>`
    select medium, address, validated_at as "validatedAt", added_at as "addedAt"
    from   threepids
    where  user_nid = ${userNid}
    order  by added_at, address`;
}

export async function deleteThreepid(sql: Sql, userNid: number, medium: string, address: string): Promise<void> {
  await sql`delete from threepids where user_nid = ${userNid} and medium = ${medium} and address = ${address}`;
}

export async function deleteThreepids(sql: Sql, userNid: number): Promise<void> {
  await sql`delete from threepids where user_nid = ${userNid}`;
}
