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

/** How many former lists of one server are remembered; those that ended the longest ago are forgotten. */
const MAX_FORMER_LISTS = 10;

/**
 * Remembers what a server said of its keys. A key that is no longer mentioned keeps what was known of it. A list that ends earlier than the
 * one we have, which still holds, does not replace it; nor does another key take the id of one that still holds, unless the server itself
 * says so (`isFirstHand`) and that it is good for as long. `isFormer`: the list we have names a key that this one does not mention.
 */
export async function saveServerKeys(
  sql: Sql,
  list: ServerKeyList,
  keys: readonly ServerKey[],
  { isFirstHand, isFormer }: { isFirstHand: boolean; isFormer: boolean },
): Promise<void> {
  if (isFormer) await keepFormerList(sql, list);
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
        where server_keys.public_key = excluded.public_key or server_keys.valid_until < ${list.fetchedAt}
        or    (${isFirstHand} and excluded.expired_ts is null and server_keys.valid_until <= excluded.valid_until)`;
  }
  await sql`
    delete from server_keys where server_name = ${list.serverName} and key_id in (
      select key_id from server_keys where server_name = ${list.serverName}
      order by valid_until desc, key_id offset ${MAX_KEYS_OF_SERVER})`;
}

/** Puts the list we have beside the one that is about to replace it. */
async function keepFormerList(sql: Sql, { serverName, fetchedAt, validUntil }: ServerKeyList): Promise<void> {
  await sql`
    insert into former_key_lists (server_name, valid_until, json)
    select server_name, valid_until, json from server_key_lists
    where  server_name = ${serverName} and valid_until <= ${Math.max(validUntil, fetchedAt)}
    on conflict do nothing`;
  await sql`
    delete from former_key_lists where server_name = ${serverName} and valid_until in (
      select valid_until from former_key_lists where server_name = ${serverName} order by valid_until desc offset ${MAX_FORMER_LISTS})`;
}

/** The lists that a server gave before its newest one, the newest first, as JSON text. */
export async function listFormerKeyLists(sql: Sql, serverName: string): Promise<string[]> {
  const rows = await sql<{ json: string }[]>`
    select json from former_key_lists where server_name = ${serverName} order by valid_until desc`;
  return rows.map(({ json }) => json);
}

/** Forgets all but so many servers: those whose lists ended the longest ago. What is needed of them again is asked for again. */
export async function forgetServerKeys(sql: Sql, most: number): Promise<void> {
  await sql`
    with gone as (
      delete from server_key_lists where server_name in (
        select server_name from server_key_lists order by valid_until desc, server_name offset ${most})
      returning server_name
    ), former as (
      delete from former_key_lists where server_name in (select server_name from gone)
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
