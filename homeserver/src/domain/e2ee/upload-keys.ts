import type { JsonObject } from 'federation-spec/events/event.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import { parseKeyId } from 'federation-spec/identifiers/key-id.ts';
import { invalidParam, tooLarge } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { findDeviceKeys, upsertDeviceKeys } from '../../storage/device-keys.ts';
import { insertOneTimeKeys, type OneTimeKey, upsertFallbackKeys } from '../../storage/one-time-keys.ts';
import type { Log } from '../streams/log.ts';
import { checkDeviceKeys, checkOneTimeKey, parseKey, signingKeyOf, withoutUnsigned } from './check-keys.ts';
import type { DeviceLists } from './device-lists.ts';
import type { KeyCounts } from './key-counts.ts';

type Requester = { userNid: number; userId: string; deviceId: string };

/**
 * Stores a device's keys. Everything is checked before anything is stored: what is malformed or wrongly signed would otherwise be
 * passed on to every device and server that asks.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keysupload
 *
 * @returns how many one-time keys the device has, by algorithm
 * @throws M_INVALID_PARAM, M_TOO_LARGE
 */
export type UploadKeys = (requester: Requester, upload: KeysUpload) => Promise<Record<string, number>>;

export type KeysUpload = {
  deviceKeys?: unknown;
  /** By `<algorithm>:<key id>`. */
  oneTimeKeys?: Readonly<Record<string, unknown>> | undefined;
  fallbackKeys?: Readonly<Record<string, unknown>> | undefined;
};

const MAX_KEYS_PER_UPLOAD = 500;
const MAX_ONE_TIME_KEYS = 2_000;

type Deps = { pool: Pool; log: Log; deviceLists: DeviceLists; keyCounts: KeyCounts };

export function createUploadKeys({ pool, log, deviceLists, keyCounts }: Deps): UploadKeys {
  async function readDeviceKeys(requester: Requester, given: unknown): Promise<JsonObject | undefined> {
    if (given === undefined || given === null) return undefined;
    const verdict = await checkDeviceKeys(given, requester);
    if (!verdict.allowed || !isJsonObject(given)) throw invalidParam(verdict.allowed ? 'The device keys are no object' : verdict.reason);
    return withoutUnsigned(given);
  }

  async function readOneTimeKeys(
    requester: Requester,
    publicKey: Uint8Array | undefined,
    given: Readonly<Record<string, unknown>> | undefined,
  ): Promise<OneTimeKey[]> {
    const entries = Object.entries(given ?? {});
    if (entries.length > MAX_KEYS_PER_UPLOAD) throw tooLarge(`At most ${MAX_KEYS_PER_UPLOAD} keys can be uploaded at once`);
    const device = { userId: requester.userId, deviceId: requester.deviceId, publicKey };
    return await Promise.all(
      entries.map(async ([fullId, key]) => {
        const verdict = await checkOneTimeKey(fullId, key, device);
        if (!verdict.allowed) throw invalidParam(verdict.reason);
        const id = parseKeyId(fullId);
        if (id === undefined) throw invalidParam(`${fullId} is no id of a key`);
        return { algorithm: id.algorithm, keyId: id.name, key: JSON.stringify(key) };
      }),
    );
  }

  async function storeDeviceKeys(requester: Requester, keys: JsonObject): Promise<void> {
    const { userNid, deviceId } = requester;
    const text = JSON.stringify(keys);
    if ((await findDeviceKeys(pool, userNid, deviceId)) === text) return;
    const audience = await deviceLists.audienceOf(userNid);
    await log.append({
      rows: deviceLists.deviceRows(requester, [{ deviceId, keys }], audience),
      riders: [(sql) => upsertDeviceKeys(sql, userNid, deviceId, text)],
    });
  }

  return async function uploadKeys(requester, { deviceKeys, oneTimeKeys, fallbackKeys }) {
    const { userNid, deviceId } = requester;
    const device = { userNid, deviceId };
    const keys = await readDeviceKeys(requester, deviceKeys);
    const stored = keys === undefined ? await findDeviceKeys(pool, userNid, deviceId) : undefined;
    const publicKey = signingKeyOf(keys ?? (stored === undefined ? undefined : parseKey(stored)), deviceId);
    const oneTime = await readOneTimeKeys(requester, publicKey, oneTimeKeys);
    const fallback = await readOneTimeKeys(requester, publicKey, fallbackKeys);
    if (new Set(fallback.map(({ algorithm }) => algorithm)).size < fallback.length)
      throw invalidParam('There is one fallback key per algorithm');
    const total = Object.values((await keyCounts.count(device)).oneTimeKeys).reduce((sum, count) => sum + count, oneTime.length);
    if (oneTime.length > 0 && total > MAX_ONE_TIME_KEYS) throw tooLarge(`A device may have at most ${MAX_ONE_TIME_KEYS} one-time keys`);

    if (keys !== undefined) await storeDeviceKeys(requester, keys);
    if (oneTime.length > 0) await storeOneTimeKeys();
    if (fallback.length > 0) await upsertFallbackKeys(pool, userNid, deviceId, fallback);
    keyCounts.forget(device);
    return (await keyCounts.count(device)).oneTimeKeys;

    async function storeOneTimeKeys(): Promise<void> {
      await pool.begin(async (sql) => {
        const [clash] = await insertOneTimeKeys(sql, userNid, deviceId, oneTime);
        if (clash !== undefined) throw invalidParam(`The one-time key ${clash} exists already, and is another`);
      });
    }
  };
}
