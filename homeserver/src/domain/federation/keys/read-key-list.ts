import type { ServerKeys } from 'federation-spec/api/schemas/server-keys.ts';
import { decodeBase64 } from 'federation-spec/encoding/base64.ts';
import { verifyJson } from 'federation-spec/signing/sign-json.ts';
import type { ServerKey } from '../../../storage/server-keys.ts';
import { isLeakedKey } from './leaked-keys.ts';

const DAY_MS = 86_400_000;
/** A list counts for a week from when it was fetched, whatever it says: a key that was "valid for ever" could never be withdrawn. */
const MAX_VALID_MS = 7 * DAY_MS;
const MAX_KEYS = 50;
const KEY_ID = /^ed25519:[A-Za-z0-9_]{1,64}$/;
const PUBLIC_KEY_BYTES = 32;

/** Until when a list may be believed, given when it was fetched. */
export function validUntil(list: ServerKeys, fetchedAt: number): number {
  return Math.min(list.valid_until_ts, fetchedAt + MAX_VALID_MS);
}

/**
 * The keys in a server's list, once it is proved that the list is about this server and signed with every one of its current keys that it
 * is signed with at all, and at least one. `undefined` otherwise. Keys of other algorithms are passed over.
 */
export async function readKeyList(list: ServerKeys, serverName: string, fetchedAt: number): Promise<ServerKey[] | undefined> {
  if (list.server_name !== serverName) return undefined;
  const until = validUntil(list, fetchedAt);
  const keys: ServerKey[] = [];
  let signatures = 0;

  for (const [keyId, { key }] of Object.entries(list.verify_keys).slice(0, MAX_KEYS)) {
    const publicKey = readKey(keyId, key);
    if (publicKey === undefined) continue;
    keys.push({ serverName, keyId, publicKey, validUntil: until, expiredTs: null });
    if (list.signatures[serverName]?.[keyId] === undefined) continue;
    if (!(await verifyJson(list, { serverName, keyId, publicKey }))) return undefined;
    signatures += 1;
  }
  if (signatures === 0) return undefined;

  for (const [keyId, { key, expired_ts }] of Object.entries(list.old_verify_keys ?? {}).slice(0, MAX_KEYS)) {
    const publicKey = readKey(keyId, key);
    if (publicKey === undefined || keys.some((known) => known.keyId === keyId)) continue;
    keys.push({ serverName, keyId, publicKey, validUntil: Math.min(expired_ts, until), expiredTs: expired_ts });
  }
  return keys;
}

/** Whether a list names a key to sign with that another one does not mention, or names as another key. */
export function namesKeysBeyond(list: ServerKeys, other: ServerKeys): boolean {
  return Object.entries(list.verify_keys).some(([keyId, { key }]) => {
    const mentions = [other.verify_keys, other.old_verify_keys ?? {}].map((keys) =>
      Object.hasOwn(keys, keyId) ? keys[keyId]?.key : undefined,
    );
    return !mentions.includes(key);
  });
}

function readKey(keyId: string, key: string): Uint8Array | undefined {
  const publicKey = KEY_ID.test(keyId) ? decodeBase64(key) : undefined;
  return publicKey?.length === PUBLIC_KEY_BYTES && !isLeakedKey(publicKey) ? publicKey : undefined;
}
