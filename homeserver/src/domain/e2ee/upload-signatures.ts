import { encodeCanonicalJson } from 'federation-spec/canonical-json/encode-canonical-json.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { listSigningKeyIds, verifyJson } from 'federation-spec/signing/sign-json.ts';
import { tooLarge } from '../../platform/matrix-error.ts';
import { insertKeySignatures, type KeySignature, listCrossSigningKeys } from '../../storage/cross-signing-keys.ts';
import type { Pool } from '../../storage/database.ts';
import { findUserNids } from '../../storage/users.ts';
import type { Log } from '../streams/log.ts';
import type { StreamRow } from '../streams/log-batch.ts';
import { bareKey, isSignedWith, own, signingKeyOf } from './check-keys.ts';
import type { DeviceLists } from './device-lists.ts';
import type { ReadKeys, UserKeys } from './read-keys.ts';

type Requester = { userNid: number; userId: string; deviceId: string };
type Failure = { errcode: string; error: string };

/**
 * Stores signatures on one's own devices (by the self-signing key), on one's own master key (by one's devices), and on other people's
 * master keys (by one's user-signing key). Each is checked; what is no good is told and stored nowhere.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keyssignaturesupload
 *
 * @param signed the signed keys, by user id and then by device id or public key
 * @returns what was refused, by the same names
 */
export type UploadSignatures = (
  requester: Requester,
  signed: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
) => Promise<Record<string, Record<string, Failure>>>;

const MAX_SIGNED_KEYS = 1_000;
const INVALID = 'M_INVALID_SIGNATURE';

type Deps = { pool: Pool; log: Log; deviceLists: DeviceLists; readKeys: ReadKeys };

export function createUploadSignatures({ pool, log, deviceLists, readKeys }: Deps): UploadSignatures {
  return async function uploadSignatures(requester, signed) {
    const userIds = Object.keys(signed);
    const count = userIds.reduce((sum, userId) => sum + Object.keys(signed[userId] ?? {}).length, 0);
    if (count > MAX_SIGNED_KEYS) throw tooLarge(`At most ${MAX_SIGNED_KEYS} keys can be signed at once`);
    const nids = await findUserNids(pool, [...userIds, requester.userId]);
    const users = [...nids].map(([userId, userNid]) => ({ userId, userNid }));
    const keys = await readKeys(users, requester);
    const mine = await myPublicKeys(requester);

    const failures: Record<string, Record<string, Failure>> = {};
    const accepted: KeySignature[] = [];
    for (const userId of userIds) {
      for (const [target, object] of Object.entries(signed[userId] ?? {})) {
        const judged = await judge(requester, mine, keys.get(requester.userId), { userId, target, object, keys: keys.get(userId) });
        if ('errcode' in judged) failures[userId] = { ...failures[userId], [target]: judged };
        else accepted.push(...judged.map((part) => ({ ...part, userNid: nids.get(userId) ?? 0, target, signerNid: requester.userNid })));
      }
    }
    if (accepted.length > 0) await store(requester, accepted, keys, nids);
    return failures;
  };

  async function myPublicKeys({ userNid }: Requester): Promise<Map<string, string>> {
    return new Map((await listCrossSigningKeys(pool, [userNid])).map(({ usage, publicKey }) => [usage, publicKey]));
  }

  async function store(requester: Requester, signatures: readonly KeySignature[], keys: Map<string, UserKeys>, nids: Map<string, number>) {
    const rows: StreamRow[] = [];
    const own = signatures.filter(({ userNid }) => userNid === requester.userNid);
    if (own.length > 0) rows.push(...(await ownRows(requester, own, keys.get(requester.userId))));
    const others = new Set(signatures.map(({ userNid }) => userNid).filter((userNid) => userNid !== requester.userNid));
    for (const userNid of nids.values()) if (others.has(userNid)) rows.push(deviceLists.privateRow(userNid, requester.userNid));
    await log.append({ rows, riders: [(sql) => insertKeySignatures(sql, signatures)] });
  }

  /** Signed devices and a signed master key are told to whoever shares a room, with the new signatures. */
  async function ownRows(requester: Requester, signatures: readonly KeySignature[], keys: UserKeys | undefined): Promise<StreamRow[]> {
    const audience = await deviceLists.audienceOf(requester.userNid);
    const added = Map.groupBy(signatures, ({ target }) => target);
    const devices: { deviceId: string; keys: JsonObject }[] = [];
    const rows: StreamRow[] = [];
    for (const [target, news] of added) {
      const device = keys?.devices.get(target);
      if (device !== undefined) devices.push({ deviceId: target, keys: withSignatures(device, requester.userId, news) });
      else if (keys?.master !== undefined) {
        rows.push(deviceLists.signingKeyRow(requester, { masterKey: withSignatures(keys.master, requester.userId, news) }, audience));
      }
    }
    return [...rows, ...deviceLists.deviceRows(requester, devices, audience)];
  }
}

type Signed = { userId: string; target: string; object: unknown; keys: UserKeys | undefined };
type Accepted = { keyId: string; signature: string }[];

async function judge(
  requester: Requester,
  mine: Map<string, string>,
  myKeys: UserKeys | undefined,
  signed: Signed,
): Promise<Accepted | Failure> {
  const { userId, target, object, keys } = signed;
  if (!isJsonObject(object)) return { errcode: 'M_INVALID_PARAM', error: 'The signed key must be an object' };
  const isOwn = userId === requester.userId;
  const masterKey = keys?.master;
  const isMaster = masterKey !== undefined && own(own(masterKey, 'keys'), `ed25519:${target}`) === target;
  const stored = isMaster ? masterKey : isOwn ? keys?.devices.get(target) : undefined;
  if (stored === undefined) return { errcode: 'M_NOT_FOUND', error: 'There is no such key that you could sign' };
  if (!isSameKey(stored, object)) return { errcode: INVALID, error: 'The signed key is not the one that is stored' };

  const accepted: Accepted = [];
  for (const keyId of listSigningKeyIds(object, requester.userId)) {
    const signature = own(own(own(object, 'signatures'), requester.userId), keyId);
    const name = keyId.slice('ed25519:'.length);
    if (typeof signature !== 'string' || isStored(stored, requester.userId, keyId, signature)) continue;
    const signingKey = isMaster ? (isOwn ? undefined : mine.get('user_signing')) : mine.get('self_signing');
    const isByDevice = isMaster && isOwn;
    const isGood = isByDevice
      ? await isSignedByDevice(object, requester.userId, name, myKeys)
      : name === signingKey && (await isSignedWith(object, requester.userId, name));
    if (!isGood) return { errcode: INVALID, error: `The signature by ${keyId} is not good` };
    accepted.push({ keyId, signature });
  }
  return accepted;
}

function isSameKey(stored: JsonObject, given: JsonObject): boolean {
  try {
    return encodeCanonicalJson(bareKey(stored)) === encodeCanonicalJson(bareKey(given));
  } catch {
    return false; // what has no canonical form is no key
  }
}

/** Clients send the signatures that were there before along with the new one. */
function isStored(stored: JsonObject, userId: string, keyId: string, signature: string): boolean {
  return own(own(own(stored, 'signatures'), userId), keyId) === signature;
}

async function isSignedByDevice(object: JsonObject, userId: string, deviceId: string, keys: UserKeys | undefined): Promise<boolean> {
  const publicKey = signingKeyOf(keys?.devices.get(deviceId), deviceId);
  return publicKey !== undefined && (await verifyJson(object, { serverName: userId, keyId: `ed25519:${deviceId}`, publicKey }));
}

function withSignatures(key: JsonObject, userId: string, news: readonly KeySignature[]): JsonObject {
  const { unsigned: _unsigned, ...signed } = key;
  const before = own(key, 'signatures');
  const mine = own(before, userId);
  const added = Object.fromEntries(news.map(({ keyId, signature }) => [keyId, signature]));
  return {
    ...signed,
    signatures: { ...(isJsonObject(before) ? before : {}), [userId]: { ...(isJsonObject(mine) ? mine : {}), ...added } },
  };
}
