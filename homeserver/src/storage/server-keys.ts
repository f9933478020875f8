import type { Sql } from './database.ts';

/** A key with which a server signs, or (with `expiredTs`) used to. Times in ms. */
export type ServerKey = { serverName: string; keyId: string; publicKey: Uint8Array; validUntil: number; expiredTs: number | null };

/** A server's signed list of its keys, as JSON text. */
export type ServerKeyList = { serverName: string; fetchedAt: number; validUntil: number; json: string };

export async function listServerKeys(sql: Sql, serverName: string): Promise<ServerKey[]> {
  return await sql<ServerKey[]>`
    select server_name as "serverName", key_id as "keyId", public_key as "publicKey", valid_until as "validUntil", expired_ts as "expiredTs"
    from   server_keys
    where  server_name = ${serverName}`;
}

/** How many keys of one server are remembered; those that were good the longest ago are forgotten. */
const MAX_KEYS_OF_SERVER = 500;

/**
 * Remembers what a server said of its keys. A key that is no longer mentioned keeps what was known of it. A list that ends earlier than the
 * one we have, which still holds, does not replace it; nor does another key take the id of one that still holds.
 */
export async function saveServerKeys(sql: Sql, list: ServerKeyList, keys: readonly ServerKey[]): Promise<void> {
  await sql`
    insert into server_key_lists (server_name, fetched_at, valid_until, json)
    values (${list.serverName}, ${list.fetchedAt}, ${list.validUntil}, ${list.json})
    on conflict (server_name) do update
      set fetched_at = excluded.fetched_at, valid_until = excluded.valid_until, json = excluded.json
      where server_key_lists.valid_until <= greatest(excluded.valid_until, excluded.fetched_at)`;
  for (const key of keys) {
    await sql`
      insert into server_keys (server_name, key_id, public_key, valid_until, expired_ts)
      values (${key.serverName}, ${key.keyId}, ${Buffer.from(key.publicKey)}, ${key.validUntil}, ${key.expiredTs})
      on conflict (server_name, key_id) do update
        set public_key = excluded.public_key, expired_ts = excluded.expired_ts,
            valid_until = case when excluded.expired_ts is null and server_keys.public_key = excluded.public_key
                               then greatest(server_keys.valid_until, excluded.valid_until) else excluded.valid_until end
        where server_keys.public_key = excluded.public_key or server_keys.valid_until < ${list.fetchedAt}`;
  }
  await sql`
    delete from server_keys where server_name = ${list.serverName} and key_id in (
      select key_id from server_keys where server_name = ${list.serverName}
      order by valid_until desc, key_id offset ${MAX_KEYS_OF_SERVER})`;
}

/** Forgets all but so many servers: those whose lists ended the longest ago. What is needed of them again is asked for again. */
export async function forgetServerKeys(sql: Sql, most: number): Promise<void> {
  await sql`
    with gone as (
      delete from server_key_lists where server_name in (
        select server_name from server_key_lists order by valid_until desc, server_name offset ${most})
      returning server_name
    )
    delete from server_keys where server_name in (select server_name from gone)`;
}

export async function findServerKeyList(sql: Sql, serverName: string): Promise<ServerKeyList | undefined> {
  const [row] = await sql<ServerKeyList[]>`
    select server_name as "serverName", fetched_at as "fetchedAt", valid_until as "validUntil", json
    from   server_key_lists
    where  server_name = ${serverName}`;
  return row;
}
