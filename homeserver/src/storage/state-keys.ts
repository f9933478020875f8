import type { Sql } from './database.ts';

export type StateKeyRow = { keyNid: number; type: string; stateKey: string };

/** Gives each (type, state_key) pair a number, making rows for those not seen before. In the order asked for. */
export async function internStateKeys(sql: Sql, pairs: readonly { type: string; stateKey: string }[]): Promise<StateKeyRow[]> {
  if (pairs.length === 0) return [];
  const types = pairs.map((pair) => pair.type);
  const stateKeys = pairs.map((pair) => pair.stateKey);
  await sql`
    insert into state_keys (type, state_key)
    select distinct a.type, a.state_key from unnest(${types}::text[], ${stateKeys}::text[]) a(type, state_key)
    where not exists (select 1 from state_keys k where k.type = a.type and k.state_key = a.state_key)
    on conflict (type, state_key) do nothing`;
  return await sql<StateKeyRow[]>`
    select k.key_nid as "keyNid", k.type, k.state_key as "stateKey"
    from   unnest(${types}::text[], ${stateKeys}::text[]) with ordinality a(type, state_key, ord)
    join   state_keys k on k.type = a.type and k.state_key = a.state_key
    order  by a.ord`;
}

/** The numbers of those pairs that have one, in no order. */
export async function listKeyNids(sql: Sql, pairs: readonly { type: string; stateKey: string }[]): Promise<number[]> {
  if (pairs.length === 0) return [];
  const rows = await sql<{ keyNid: number }[]>`
    select k.key_nid as "keyNid"
    from   unnest(${pairs.map((pair) => pair.type)}::text[], ${pairs.map((pair) => pair.stateKey)}::text[]) a(type, state_key)
    join   state_keys k on k.type = a.type and k.state_key = a.state_key`;
  return rows.map((row) => row.keyNid);
}
