import type { Sql } from './database.ts';

export type ThreepidBinding = { medium: string; address: string; idServer: string };

export async function insertThreepidBinding(sql: Sql, userNid: number, { medium, address, idServer }: ThreepidBinding): Promise<void> {
  await sql`
    insert into threepid_bindings (user_nid, medium, address, id_server) values (${userNid}, ${medium}, ${address}, ${idServer})
    on conflict do nothing`;
}

/** Where a person has published addresses; of one address when it is given. */
export async function listThreepidBindings(
  sql: Sql,
  userNid: number,
  of?: { medium: string; address: string },
): Promise<ThreepidBinding[]> {
  return await sql<ThreepidBinding[]>`
    select medium, address, id_server as "idServer"
    from   threepid_bindings
    where  user_nid = ${userNid} ${of === undefined ? sql`` : sql`and medium = ${of.medium} and address = ${of.address}`}
    order  by medium, address, id_server`;
}

export async function deleteThreepidBinding(sql: Sql, userNid: number, { medium, address, idServer }: ThreepidBinding): Promise<void> {
  await sql`
    delete from threepid_bindings
    where  user_nid = ${userNid} and medium = ${medium} and address = ${address} and id_server = ${idServer}`;
}
