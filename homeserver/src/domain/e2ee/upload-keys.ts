import type { JsonObject } from 'federation-spec/events/event.ts';
import { invalidParam, tooLarge } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { findDeviceKeys, upsertDeviceKeys } from '../../storage/device-keys.ts';
import { insertOneTimeKeys, upsertFallbackKeys } from '../../storage/one-time-keys.ts';
import type { Log } from '../streams/log.ts';
import type { DeviceLists } from './device-lists.ts';
import type { KeyCounts } from './key-counts.ts';
import { type KeysUpload, readKeysUpload } from './read-keys-upload.ts';

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

const MAX_ONE_TIME_KEYS = 2_000;

type Deps = { pool: Pool; log: Log; deviceLists: DeviceLists; keyCounts: KeyCounts };

export function createUploadKeys({ pool, log, deviceLists, keyCounts }: Deps): UploadKeys {
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

  return async function uploadKeys(requester, upload) {
    const { userNid, deviceId } = requester;
    const device = { userNid, deviceId };
    const { keys, oneTime, fallback } = await readKeysUpload(requester, upload, () => findDeviceKeys(pool, userNid, deviceId));
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
