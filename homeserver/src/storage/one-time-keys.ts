import type { Sql } from './database.ts';

/** A key that is given away once; `key` is JSON text. */
export type OneTimeKey = { algorithm: string; keyId: string; key: string };

/** Stores keys, except those whose id is taken. */
export async function insertOneTimeKeys(sql: Sql, userNid: number, deviceId: string, keys: readonly OneTimeKey[]): Promise<void> {
  await sql`
    insert into one_time_keys (user_nid, device_id, algorithm, key_id, key)
    select ${userNid}, ${deviceId}, algorithm, key_id, key
    from   unnest(${keys.map((k) => k.algorithm)}::text[], ${keys.map((k) => k.keyId)}::text[], ${keys.map((k) => k.key)}::text[])
           with ordinality as g (algorithm, key_id, key, ord)
    order  by ord
    on conflict do nothing`;
}

/** The stored keys of a device that have the ids of these. */
export async function listOneTimeKeys(sql: Sql, userNid: number, deviceId: string, ids: readonly OneTimeKey[]): Promise<OneTimeKey[]> {
  return await sql<OneTimeKey[]>`
    select algorithm, key_id as "keyId", key
    from   one_time_keys
           join unnest(${ids.map((k) => k.algorithm)}::text[], ${ids.map((k) => k.keyId)}::text[]) as g (algorithm, key_id) using (algorithm, key_id)
    where  user_nid = ${userNid} and device_id = ${deviceId}`;
}

/** Forgets the one-time and fallback keys of a device. */
export async function deleteOneTimeKeys(sql: Sql, userNid: number, deviceId: string): Promise<void> {
  await sql`
    with one_time as (delete from one_time_keys where user_nid = ${userNid} and device_id = ${deviceId})
    delete from fallback_keys where user_nid = ${userNid} and device_id = ${deviceId}`;
}

export async function countOneTimeKeys(sql: Sql, userNid: number, deviceId: string): Promise<Record<string, number>> {
  const rows = await sql<{ algorithm: string; count: number }[]>`
    select algorithm, count(*) as count from one_time_keys where user_nid = ${userNid} and device_id = ${deviceId} group by algorithm`;
  return Object.fromEntries(rows.map(({ algorithm, count }) => [algorithm, count]));
}

/** Takes the oldest key of an algorithm away from a device. Two that ask at once get two keys. */
export async function takeOneTimeKey(
  sql: Sql,
  wanted: { userNid: number; deviceId: string; algorithm: string },
): Promise<{ keyId: string; key: string } | undefined> {
  const { userNid, deviceId, algorithm } = wanted;
  const [row] = await sql<{ keyId: string; key: string }[]>`
    delete from one_time_keys
    where  (user_nid, device_id, algorithm, key_id) = (
      select user_nid, device_id, algorithm, key_id
      from   one_time_keys
      where  user_nid = ${userNid} and device_id = ${deviceId} and algorithm = ${algorithm}
      order  by ordinal
      limit  1
      for    update skip locked
    )
    returning key_id as "keyId", key`;
  return row;
}

export async function upsertFallbackKeys(sql: Sql, userNid: number, deviceId: string, keys: readonly OneTimeKey[]): Promise<void> {
  await sql`
    insert into fallback_keys (user_nid, device_id, algorithm, key_id, key)
    select ${userNid}, ${deviceId}, *
    from   unnest(${keys.map((k) => k.algorithm)}::text[], ${keys.map((k) => k.keyId)}::text[], ${keys.map((k) => k.key)}::text[])
    on conflict (user_nid, device_id, algorithm) do update
    set    used = fallback_keys.used and fallback_keys.key_id = excluded.key_id, key_id = excluded.key_id, key = excluded.key`;
}

/** Gives away a fallback key, which stays and is marked as used. */
export async function borrowFallbackKey(
  sql: Sql,
  wanted: { userNid: number; deviceId: string; algorithm: string },
): Promise<{ keyId: string; key: string } | undefined> {
  const { userNid, deviceId, algorithm } = wanted;
  const [row] = await sql<{ keyId: string; key: string }[]>`
    update fallback_keys set used = true
    where  user_nid = ${userNid} and device_id = ${deviceId} and algorithm = ${algorithm}
    returning key_id as "keyId", key`;
  return row;
}

/** The algorithms of a device's fallback keys that nobody was given yet. */
export async function listUnusedFallbackTypes(sql: Sql, userNid: number, deviceId: string): Promise<string[]> {
  const rows = await sql<{ algorithm: string }[]>`
    select algorithm from fallback_keys where user_nid = ${userNid} and device_id = ${deviceId} and not used order by algorithm`;
  return rows.map((row) => row.algorithm);
}
