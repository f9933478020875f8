import { encodeCanonicalJson } from 'federation-spec/canonical-json/encode-canonical-json.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { matrixError, tooLarge } from '../../platform/matrix-error.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import { findDeviceKeys, upsertDeviceKeys } from '../../storage/device-keys.ts';
import { deleteOneTimeKeys, insertOneTimeKeys, listOneTimeKeys, type OneTimeKey, upsertFallbackKeys } from '../../storage/one-time-keys.ts';
import type { Log } from '../streams/log.ts';
import { bareKey, parseKey, signingKeyOf } from './check-keys.ts';
import type { DeviceLists } from './device-lists.ts';
import type { KeyCounts } from './key-counts.ts';
import { type KeysUpload, readKeysUpload } from './read-keys-upload.ts';

type Requester = { userNid: number; userId: string; deviceId: string };

/**
 * Stores a device's keys. Everything is checked before anything is stored: what is malformed or wrongly signed would otherwise be
 * passed on to every device and server that asks. A device that comes with another signing key has lost its old ones: the one-time keys
 * that they signed serve nobody, and go.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keysupload
 *
 * @returns how many one-time keys the device has, by algorithm
 * @throws M_INVALID_PARAM, M_TOO_LARGE; M_UNKNOWN when an id of a one-time key stands for another key already (clients know that by its text)
 */
export type UploadKeys = (requester: Requester, upload: KeysUpload) => Promise<Record<string, number>>;

const MAX_ONE_TIME_KEYS = 2_000;

type Deps = { pool: Pool; log: Log; deviceLists: DeviceLists; keyCounts: KeyCounts };

export function createUploadKeys({ pool, log, deviceLists, keyCounts }: Deps): UploadKeys {
  async function storeDeviceKeys(requester: Requester, keys: JsonObject, stored: string | undefined, isRenewed: boolean): Promise<void> {
    const { userNid, deviceId } = requester;
    const text = JSON.stringify(keys);
    if (stored === text) return;
    const audience = await deviceLists.audienceOf(userNid);
    await log.append({
      rows: deviceLists.deviceRows(requester, [{ deviceId, keys }], audience),
      riders: [
        (sql) => upsertDeviceKeys(sql, userNid, deviceId, text),
        ...(isRenewed ? [(sql: Sql) => deleteOneTimeKeys(sql, userNid, deviceId)] : []),
      ],
    });
  }

  /** Every key that is stored under an id of these must be the same. */
  async function refuseClashes({ userNid, deviceId }: Requester, keys: readonly OneTimeKey[]): Promise<void> {
    const stored = new Map((await listOneTimeKeys(pool, userNid, deviceId, keys)).map((key) => [fullIdOf(key), key.key]));
    for (const key of keys) {
      const known = stored.get(fullIdOf(key));
      if (known !== undefined && !isSameKey(known, key.key))
        throw matrixError(400, 'M_UNKNOWN', `One time key ${fullIdOf(key)} already exists. Old key: ${known}; new key: ${key.key}`);
    }
  }

  return async function uploadKeys(requester, upload) {
    const { userNid, deviceId } = requester;
    const device = { userNid, deviceId };
    const stored = await findDeviceKeys(pool, userNid, deviceId);
    const { keys, oneTime, fallback } = await readKeysUpload(requester, upload, async () => stored);
    const isRenewed = keys !== undefined && stored !== undefined && hasOtherSigningKey(keys, parseKey(stored), deviceId);
    const known = isRenewed ? {} : (await keyCounts.count(device)).oneTimeKeys;
    const total = Object.values(known).reduce((sum, count) => sum + count, oneTime.length);
    if (oneTime.length > 0 && total > MAX_ONE_TIME_KEYS) throw tooLarge(`A device may have at most ${MAX_ONE_TIME_KEYS} one-time keys`);
    if (oneTime.length > 0 && !isRenewed) await refuseClashes(requester, oneTime);

    if (keys !== undefined) await storeDeviceKeys(requester, keys, stored, isRenewed);
    if (oneTime.length > 0) await insertOneTimeKeys(pool, userNid, deviceId, oneTime);
    if (fallback.length > 0) await upsertFallbackKeys(pool, userNid, deviceId, fallback);
    keyCounts.forget(device);
    // Two uploads of one device at once may both have found an id free.
    if (oneTime.length > 0) await refuseClashes(requester, oneTime);
    return (await keyCounts.count(device)).oneTimeKeys;
  };
}

function fullIdOf({ algorithm, keyId }: OneTimeKey): string {
  return `${algorithm}:${keyId}`;
}

function hasOtherSigningKey(keys: JsonObject, stored: JsonObject, deviceId: string): boolean {
  const [mine, theirs] = [signingKeyOf(keys, deviceId), signingKeyOf(stored, deviceId)];
  return mine !== undefined && theirs !== undefined && !Buffer.from(mine).equals(theirs);
}

/** Whether two keys, as JSON text, are one: signed anew or written in another order, they still are. */
function isSameKey(one: string, other: string): boolean {
  return one === other || comparable(one) === comparable(other);
}

function comparable(text: string): string {
  const key: unknown = JSON.parse(text);
  return isJsonObject(key) ? encodeCanonicalJson(bareKey(key)) : text;
}
