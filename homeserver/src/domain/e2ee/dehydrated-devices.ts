import type { JsonObject } from 'federation-spec/events/event.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, invalidParam, missingParam, notFound, tooLarge } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { type DehydratedDeviceRow, findDehydratedDevice, insertDehydratedDevice } from '../../storage/dehydrated-devices.ts';
import { deleteKeysOfGoneDevices, upsertDeviceKeys } from '../../storage/device-keys.ts';
import { deleteDevices, findDevice, insertDevice } from '../../storage/devices.ts';
import { insertOneTimeKeys, upsertFallbackKeys } from '../../storage/one-time-keys.ts';
import { listToDevice } from '../../storage/to-device.ts';
import type { Log } from '../streams/log.ts';
import type { DeviceLists } from './device-lists.ts';
import type { KeyCounts } from './key-counts.ts';
import { type KeysUpload, readKeysUpload } from './read-keys-upload.ts';

type Owner = { userNid: number; userId: string };
type Message = { sender: string; type: string; content: JsonObject };

/** https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
export type DehydratedDevices = {
  /** Stores a device with its keys, in the place of an earlier one. @throws M_INVALID_PARAM, M_MISSING_PARAM, M_TOO_LARGE */
  put(owner: Owner, device: { deviceId: string; displayName: string | undefined; deviceData: JsonObject } & KeysUpload): Promise<void>;
  /** @throws M_NOT_FOUND */
  load(userNid: number): Promise<{ deviceId: string; deviceData: JsonObject }>;
  /** Returns the id of the device that is no more. @throws M_NOT_FOUND */
  remove(owner: Owner): Promise<string>;
  /**
   * What was sent to the device after `from`, oldest first. Nothing is deleted by reading: a client that fails begins again.
   *
   * @throws M_FORBIDDEN for any other device, M_INVALID_PARAM for a token that is none
   */
  listMessages(userNid: number, deviceId: string, from: string | undefined): Promise<{ messages: Message[]; nextBatch: string }>;
};

const DISPLAY_NAME = 'Dehydrated device';
const MAX_DATA_BYTES = 512 * 1024;
const MESSAGES_PER_PAGE = 100;

type Deps = { pool: Pool; log: Log; clock: Clock; deviceLists: DeviceLists; keyCounts: KeyCounts };

export function createDehydratedDevices({ pool, log, clock, deviceLists, keyCounts }: Deps): DehydratedDevices {
  async function find(userNid: number): Promise<DehydratedDeviceRow> {
    const found = await findDehydratedDevice(pool, userNid);
    if (found === undefined) throw notFound('You have no dehydrated device');
    return found;
  }

  return {
    async put(owner, { deviceId, displayName = DISPLAY_NAME, deviceData, ...upload }) {
      const { userNid } = owner;
      const text = JSON.stringify(deviceData);
      if (Buffer.byteLength(text) > MAX_DATA_BYTES) throw tooLarge(`The data of a device may have at most ${MAX_DATA_BYTES} bytes`);
      const { keys, oneTime, fallback } = await readKeysUpload({ ...owner, deviceId }, upload, async () => undefined);
      if (keys === undefined) throw missingParam('A dehydrated device needs its device_keys');
      const earlier = await findDehydratedDevice(pool, userNid);
      if (earlier?.deviceId !== deviceId && (await findDevice(pool, userNid, deviceId)) !== undefined)
        throw invalidParam(`${deviceId} is another device of yours`);

      const gone = earlier === undefined ? [] : [earlier.deviceId];
      const announced = [...gone.filter((id) => id !== deviceId).map((id) => ({ deviceId: id })), { deviceId, keys }];
      await log.append({
        rows: deviceLists.deviceRows(owner, announced, await deviceLists.audienceOf(userNid)),
        riders: [
          async (sql) => {
            await deleteDevices(sql, userNid, gone);
            await deleteKeysOfGoneDevices(sql, userNid);
            await insertDevice(sql, { userNid, deviceId, displayName, createdAt: clock.now() });
            await insertDehydratedDevice(sql, userNid, { deviceId, deviceData: text });
            await upsertDeviceKeys(sql, userNid, deviceId, JSON.stringify(keys));
            await insertOneTimeKeys(sql, userNid, deviceId, oneTime);
            if (fallback.length > 0) await upsertFallbackKeys(sql, userNid, deviceId, fallback);
          },
        ],
      });
      for (const id of [...gone, deviceId]) keyCounts.forget({ userNid, deviceId: id });
    },

    async load(userNid) {
      const { deviceId, deviceData } = await find(userNid);
      return { deviceId, deviceData: readObject(deviceData) };
    },

    async remove(owner) {
      const { deviceId } = await find(owner.userNid);
      await deviceLists.commitDeviceChange(owner, [deviceId], (sql) => deleteDevices(sql, owner.userNid, [deviceId]));
      return deviceId;
    },

    async listMessages(userNid, deviceId, from) {
      const device = await findDehydratedDevice(pool, userNid);
      if (device?.deviceId !== deviceId) throw forbidden('Only the messages of your dehydrated device can be read like this');
      const after = from === undefined ? 0 : readPosition(from);
      const rows = await listToDevice(pool, { userNid, deviceId }, { after, upTo: log.position(), limit: MESSAGES_PER_PAGE });
      const messages = rows.map(({ sender, type, content }) => ({ sender, type, content: readObject(content) }));
      return { messages, nextBatch: String(rows.at(-1)?.position ?? after) };
    },
  };
}

function readPosition(token: string): number {
  const position = Number(token);
  if (!/^\d+$/.test(token) || !Number.isSafeInteger(position)) throw invalidParam(`${token} is no token of this list`);
  return position;
}

/** What was stored as an object. */
function readObject(json: string): JsonObject {
  const value: unknown = JSON.parse(json);
  if (!isJsonObject(value)) throw new Error('what was stored for a dehydrated device is no JSON object');
  return value;
}
