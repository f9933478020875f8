import type { Sql } from './database.ts';

export type CrossSigningUsage = 'master' | 'self_signing' | 'user_signing';
/** `key` is the JSON text that was uploaded. */
export type CrossSigningKeyRow = { userNid: number; usage: CrossSigningUsage; publicKey: string; key: string };

export async function upsertCrossSigningKey(sql: Sql, { userNid, usage, publicKey, key }: CrossSigningKeyRow): Promise<void> {
  await sql`
    insert into cross_signing_keys (user_nid, usage, public_key, key) values (${userNid}, ${usage}, ${publicKey}, ${key})
    on conflict (user_nid, usage) do update set public_key = excluded.public_key, key = excluded.key`;
}

export async function listCrossSigningKeys(sql: Sql, userNids: readonly number[]): Promise<CrossSigningKeyRow[]> {
  return await sql<CrossSigningKeyRow[]>`
    select user_nid as "userNid", usage, public_key as "publicKey", key
    from   cross_signing_keys
    where  user_nid = any(${[...userNids]}::bigint[])`;
}

export async function deleteCrossSigningKeys(sql: Sql, userNid: number): Promise<void> {
  await sql`delete from cross_signing_keys where user_nid = ${userNid}`;
}

export type KeySignature = { userNid: number; target: string; signerNid: number; keyId: string; signature: string };

export async function insertKeySignatures(sql: Sql, signatures: readonly KeySignature[]): Promise<void> {
  if (signatures.length === 0) return;
  await sql`
    insert into key_signatures (user_nid, target, signer_nid, key_id, signature)
    select * from unnest(
      ${signatures.map((s) => s.userNid)}::bigint[], ${signatures.map((s) => s.target)}::text[],
      ${signatures.map((s) => s.signerNid)}::bigint[], ${signatures.map((s) => s.keyId)}::text[],
      ${signatures.map((s) => s.signature)}::text[])
    on conflict (user_nid, target, signer_nid, key_id) do update set signature = excluded.signature`;
}

/** Signatures on the keys of some people that may be shown to one person: those by the keys' owners, and those by that person. */
export async function listKeySignatures(
  sql: Sql,
  userNids: readonly number[],
  viewerNid: number | undefined,
): Promise<(KeySignature & { signerId: string })[]> {
  return await sql<(KeySignature & { signerId: string })[]>`
    select s.user_nid as "userNid", s.target, s.signer_nid as "signerNid", u.user_id as "signerId", s.key_id as "keyId", s.signature
    from   key_signatures s join users u on u.user_nid = s.signer_nid
    where  s.user_nid = any(${[...userNids]}::bigint[]) and (s.signer_nid = s.user_nid or s.signer_nid = ${viewerNid ?? null})`;
}

export async function deleteKeySignatures(sql: Sql, userNid: number): Promise<void> {
  await sql`delete from key_signatures where user_nid = ${userNid}`;
}
