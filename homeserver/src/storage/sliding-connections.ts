import type { Sql } from './database.ts';

/** One connection of a device. */
export type ConnectionName = { userNid: number; deviceId: string; connId: string };

/** `positions` is what its client knows, as text. */
export type SlidingConnectionRow = ConnectionName & { birth: number; answer: number; positions: string };

export async function findSlidingConnection(sql: Sql, name: ConnectionName): Promise<SlidingConnectionRow | undefined> {
  const [row] = await sql<SlidingConnectionRow[]>`
    select user_nid as "userNid", device_id as "deviceId", conn_id as "connId", birth, answer, positions
    from   sliding_connections
    where  user_nid = ${name.userNid} and device_id = ${name.deviceId} and conn_id = ${name.connId}`;
  return row;
}

/** Writes connections, each at most once, over what was written of them before. Those of devices that are gone are left out. */
export async function upsertSlidingConnections(sql: Sql, rows: readonly SlidingConnectionRow[], savedAt: number): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into sliding_connections (user_nid, device_id, conn_id, birth, answer, positions, saved_at)
    select c.user_nid, c.device_id, c.conn_id, c.birth, c.answer, c.positions, ${savedAt}
    from   unnest(
             ${rows.map((row) => row.userNid)}::bigint[], ${rows.map((row) => row.deviceId)}::text[], ${rows.map((row) => row.connId)}::text[],
             ${rows.map((row) => row.birth)}::bigint[], ${rows.map((row) => row.answer)}::bigint[], ${rows.map((row) => row.positions)}::text[]
           ) as c (user_nid, device_id, conn_id, birth, answer, positions)
    where  exists (select from devices d where d.user_nid = c.user_nid and d.device_id = c.device_id)
    on conflict (user_nid, device_id, conn_id) do update
      set birth = excluded.birth, answer = excluded.answer, positions = excluded.positions, saved_at = excluded.saved_at`;
}

export async function deleteSlidingConnections(sql: Sql, names: readonly ConnectionName[]): Promise<void> {
  if (names.length === 0) return;
  await sql`
    delete from sliding_connections c
    using  unnest(${names.map((name) => name.userNid)}::bigint[], ${names.map((name) => name.deviceId)}::text[],
                  ${names.map((name) => name.connId)}::text[]) as n (user_nid, device_id, conn_id)
    where  c.user_nid = n.user_nid and c.device_id = n.device_id and c.conn_id = n.conn_id`;
}

/** Forgets the connections that nobody has used since. */
export async function deleteUnusedSlidingConnections(sql: Sql, before: number): Promise<void> {
  await sql`delete from sliding_connections where saved_at < ${before}`;
}
