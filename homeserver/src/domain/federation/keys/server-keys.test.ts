import type { ServerKeys } from 'federation-spec/api/schemas/server-keys.ts';
import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import { encodeBase64 } from 'federation-spec/encoding/base64.ts';
import { signJson } from 'federation-spec/signing/sign-json.ts';
import { expect, test } from 'vitest';
import { readKeyList } from './read-key-list.ts';

const DAY_MS = 86_400_000;
const NOW = 1_700_000_000_000;
const seed = new Uint8Array(32).fill(1);
const other = new Uint8Array(32).fill(2);
const publicKey = (of: Uint8Array) => ({ key: encodeBase64(ed25519PublicKey(of)) });

async function keyList(changes: Partial<ServerKeys> = {}, signer = { serverName: 'a.org', keyId: 'ed25519:1', seed }): Promise<ServerKeys> {
  const list = { server_name: 'a.org', verify_keys: { 'ed25519:1': publicKey(seed) }, old_verify_keys: {}, valid_until_ts: NOW + DAY_MS };
  return await signJson({ ...list, ...changes, signatures: {} }, signer);
}

test('a good list gives its keys, each good for as long as the list says', async () => {
  const keys = await readKeyList(await keyList(), 'a.org', NOW);
  expect(keys).toMatchObject([{ keyId: 'ed25519:1', validUntil: NOW + DAY_MS, expiredTs: null }]);
});

test('a list that is about another server, unsigned, or signed with another key gives none', async () => {
  expect(await readKeyList(await keyList(), 'b.org', NOW)).toBeUndefined();
  expect(await readKeyList({ ...(await keyList()), signatures: {} }, 'a.org', NOW)).toBeUndefined();
  expect(await readKeyList(await keyList({}, { serverName: 'a.org', keyId: 'ed25519:1', seed: other }), 'a.org', NOW)).toBeUndefined();
  expect(await readKeyList(await keyList({}, { serverName: 'notary.org', keyId: 'ed25519:1', seed }), 'a.org', NOW)).toBeUndefined();
});

test('a list that was changed after it was signed gives none', async () => {
  const list = await keyList();
  expect(await readKeyList({ ...list, valid_until_ts: NOW + 2 * DAY_MS }, 'a.org', NOW)).toBeUndefined();
  const added = { ...list, verify_keys: { ...list.verify_keys, 'ed25519:2': publicKey(other) } };
  expect(await readKeyList(added, 'a.org', NOW)).toBeUndefined();
});

test('no key is good for ever', async () => {
  const keys = await readKeyList(await keyList({ valid_until_ts: NOW + 1_000 * DAY_MS }), 'a.org', NOW);
  expect(keys?.[0]?.validUntil).toBe(NOW + 7 * DAY_MS);
});

test('an old key is good until it expired, and cannot stand in for a current one of the same id', async () => {
  const old = { 'ed25519:0': { ...publicKey(other), expired_ts: NOW - DAY_MS }, 'ed25519:1': { ...publicKey(other), expired_ts: NOW } };
  const keys = await readKeyList(await keyList({ old_verify_keys: old }), 'a.org', NOW);
  expect(keys?.map((key) => [key.keyId, key.expiredTs])).toEqual([
    ['ed25519:1', null],
    ['ed25519:0', NOW - DAY_MS],
  ]);
});
