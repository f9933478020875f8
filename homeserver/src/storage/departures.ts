import type { Sql } from './database.ts';

/** Somebody whose account has ended, and who may still be in rooms. */
export type DepartureRow = { userNid: number; userId: string; erase: boolean; begunAt: number };

export async function insertDeparture(sql: Sql, departure: { userNid: number; erase: boolean; begunAt: number }): Promise<void> {
  const { userNid, erase, begunAt } = departure;
  await sql`
    insert into departures (user_nid, erase, begun_at) values (${userNid}, ${erase}, ${begunAt})
    on conflict (user_nid) do update set erase = departures.erase or excluded.erase`;
}

export async function deleteDeparture(sql: Sql, userNid: number): Promise<void> {
  await sql`delete from departures where user_nid = ${userNid}`;
}

export async function listDepartures(sql: Sql): Promise<DepartureRow[]> {
  return await sql<DepartureRow[]>`
    select user_nid as "userNid", user_id as "userId", erase, begun_at as "begunAt"
    from   departures join users using (user_nid)
    order  by begun_at`;
}
