import type { AccountStatus } from './accounts.ts';
import type { Sql } from './database.ts';

export type TokenPairState = 'unused' | 'used' | 'spent';

export type TokenPairRow = {
  pairId: number;
  userNid: number;
  deviceId: string;
  expiresAt: number | null;
  state: TokenPairState;
  boughtWith: number | null;
};

export type TokenOwner = { userId: string; isAdmin: boolean; isGuest: boolean; status: AccountStatus };

type NewTokenPair = {
  userNid: number;
  deviceId: string;
  accessHash: Uint8Array;
  refreshHash: Uint8Array | undefined;
  expiresAt: number | undefined;
  state: TokenPairState;
  boughtWith: number | undefined;
  createdAt: number;
};

export async function insertTokenPair(sql: Sql, pair: NewTokenPair): Promise<void> {
  await sql`
    insert into token_pairs (user_nid, device_id, access_hash, refresh_hash, expires_at, state, bought_with, created_at)
    values (${pair.userNid}, ${pair.deviceId}, ${pair.accessHash}, ${pair.refreshHash ?? null}, ${pair.expiresAt ?? null},
            ${pair.state}, ${pair.boughtWith ?? null}, ${pair.createdAt})`;
}

/** Pairs with whose they are. */
const owned = (sql: Sql) => sql`
    select p.pair_id as "pairId", p.user_nid as "userNid", p.device_id as "deviceId", p.expires_at as "expiresAt", p.state,
           p.bought_with as "boughtWith", u.user_id as "userId", a.is_admin as "isAdmin", a.is_guest as "isGuest", a.status
    from   token_pairs p
    join   accounts a using (user_nid)
    join   users u using (user_nid)`;

/** The pair an access token belongs to, and whose it is. A spent pair's access token is gone. */
export async function findTokenPair(sql: Sql, accessHash: Uint8Array): Promise<(TokenPairRow & TokenOwner) | undefined> {
  const [row] = await sql<(TokenPairRow & TokenOwner)[]>`
    ${owned(sql)} where p.access_hash = ${accessHash} and p.state <> 'spent'`;
  return row;
}

/** The pair a refresh token belongs to, spent ones too. */
export async function findPairByRefreshToken(sql: Sql, refreshHash: Uint8Array): Promise<(TokenPairRow & TokenOwner) | undefined> {
  const [row] = await sql<(TokenPairRow & TokenOwner)[]>`${owned(sql)} where p.refresh_hash = ${refreshHash}`;
  return row;
}

/** Holds a pair until the transaction ends; its state now. Who locks two, locks the one bought with before the one bought. */
export async function lockPair(sql: Sql, pairId: number): Promise<TokenPairState | undefined> {
  const [row] = await sql<{ state: TokenPairState }[]>`select state from token_pairs where pair_id = ${pairId} for update`;
  return row?.state;
}

export async function markPairUsed(sql: Sql, pairId: number): Promise<void> {
  await sql`update token_pairs set state = 'used' where pair_id = ${pairId}`;
}

/** Spends a pair and drops what else was bought with it. Returns the hashes of the access tokens that are void now. */
export async function spendPair(sql: Sql, pairId: number, usedPairId: number): Promise<Uint8Array[]> {
  const rows = await sql<{ accessHash: Uint8Array }[]>`
    with spent as (
      update token_pairs set state = 'spent' where pair_id = ${pairId} returning access_hash
    ), lost as (
      delete from token_pairs where bought_with = ${pairId} and pair_id <> ${usedPairId} returning access_hash
    )
    select access_hash as "accessHash" from spent
    union all
    select access_hash from lost`;
  return rows.map((row) => row.accessHash);
}

/** Drops all but the newest unused pairs that were bought with one pair. */
export async function pruneUnusedPairs(sql: Sql, boughtWith: number, keep: number): Promise<void> {
  await sql`
    delete from token_pairs
    where  pair_id in (
      select pair_id from token_pairs
      where  bought_with = ${boughtWith} and state = 'unused'
      order  by pair_id desc
      offset ${keep}
    )`;
}

/** Forgets spent pairs of a device made before a time: showing their refresh tokens no longer tells a theft. */
export async function pruneSpentPairs(sql: Sql, userNid: number, deviceId: string, createdBefore: number): Promise<void> {
  await sql`
    delete from token_pairs
    where  user_nid = ${userNid} and device_id = ${deviceId} and state = 'spent' and created_at < ${createdBefore}`;
}

/** Drops all tokens of a device. */
export async function deleteTokenPairs(sql: Sql, userNid: number, deviceId: string): Promise<void> {
  await sql`delete from token_pairs where user_nid = ${userNid} and device_id = ${deviceId}`;
}

/** Drops all tokens of a person: every device is logged out, and may be logged in again. */
export async function deleteAllTokenPairs(sql: Sql, userNid: number): Promise<void> {
  await sql`delete from token_pairs where user_nid = ${userNid}`;
}
