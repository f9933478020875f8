import type { JsonObject } from 'federation-spec/events/event.ts';
import {
  listDeviceListChanges,
  listJoinedRoomNids,
  listToDeviceOfUsers,
  listUsersWithToDevice,
  type WaitingToDevice,
} from '../../storage/appservices.ts';
import type { Database } from '../../storage/database.ts';
import { findRoomIds } from '../../storage/rooms.ts';
import { listDevicesOf } from '../../storage/to-device.ts';
import { listUsersByNid } from '../../storage/users.ts';
import { type Appservice, ownsUser } from './appservice.ts';
import type { Dirty } from './dirty.ts';
import type { RoomInterest } from './room-interest.ts';
import type { AppserviceSources } from './sources.ts';

/** Most messages to devices in one transaction. */
const MAX_TO_DEVICE = 100;

export type EncryptionPart = { toDevice: WaitingToDevice[]; body: JsonObject; isMoreWaiting: boolean };

/** What the encryption of a service's users needs: https://github.com/matrix-org/matrix-spec-proposals/pull/3202 and 2409. */
export type ListEncryption = (appservice: Appservice, since: { position: number; upTo: number; dirty: Dirty }) => Promise<EncryptionPart>;

type Deps = { database: Database; interest: RoomInterest; sources: AppserviceSources };

export function createListEncryption({ database, interest, sources }: Deps): ListEncryption {
  const { sql } = database;

  async function listToDevice(appservice: Appservice, dirty: Dirty): Promise<WaitingToDevice[]> {
    const users = dirty.isEverybody ? await listUsersWithToDevice(sql) : await listUsersByNid(sql, [...dirty.userNids]);
    const own = users.filter(({ userId }) => ownsUser(appservice, userId)).map(({ userNid }) => userNid);
    return await listToDeviceOfUsers(sql, own, MAX_TO_DEVICE);
  }

  async function isConcerned(appservice: Appservice, user: { userNid: number; userId: string }): Promise<boolean> {
    if (ownsUser(appservice, user.userId)) return true;
    for (const [nid, roomId] of await findRoomIds(sql, await listJoinedRoomNids(sql, user.userNid)))
      if (await interest.isRoomOf(appservice, { nid, roomId })) return true;
    return false;
  }

  async function listChangedUsers(appservice: Appservice, after: number, upTo: number): Promise<string[]> {
    const changed: string[] = [];
    for (const user of after >= upTo ? [] : await listDeviceListChanges(sql, { after, upTo }))
      if (await isConcerned(appservice, user)) changed.push(user.userId);
    return changed;
  }

  /** The service's devices that lost one-time keys. */
  async function listRobbed(appservice: Appservice, { devices }: Dirty) {
    const users = await listUsersByNid(sql, [...new Set(devices.map(({ userNid }) => userNid))]);
    const own = new Map(users.filter(({ userId }) => ownsUser(appservice, userId)).map(({ userNid, userId }) => [userNid, userId]));
    return devices.flatMap((device) => {
      const userId = own.get(device.userNid);
      return userId === undefined ? [] : [{ ...device, userId }];
    });
  }

  async function countKeys(devices: readonly { userNid: number; userId: string; deviceId: string }[]) {
    const counts: Record<string, Record<string, JsonObject>> = {};
    const unused: Record<string, Record<string, string[]>> = {};
    for (const { userNid, userId, deviceId } of devices) {
      const { oneTimeKeys, unusedFallbackTypes } = await sources.countKeys({ userNid, deviceId });
      counts[userId] = { ...counts[userId], [deviceId]: oneTimeKeys };
      unused[userId] = { ...unused[userId], [deviceId]: unusedFallbackTypes };
    }
    return { counts, unused };
  }

  return async (appservice, { position, upTo, dirty }) => {
    const toDevice = await listToDevice(appservice, dirty);
    const changed = await listChangedUsers(appservice, position, upTo);
    const receivers = await listDevicesOf(sql, [...new Set(toDevice.map(({ userId }) => userId))]);
    const { counts, unused } = await countKeys([...receivers, ...(await listRobbed(appservice, dirty))]);
    const body: JsonObject = {
      ...(toDevice.length === 0 ? {} : { 'de.sorunome.msc2409.to_device': toDevice.map(renderToDevice) }),
      ...(changed.length === 0 ? {} : { 'org.matrix.msc3202.device_lists': { changed, left: [] } }),
      ...(Object.keys(counts).length === 0
        ? {}
        : {
            'org.matrix.msc3202.device_one_time_keys_count': counts,
            // The name before the proposal was corrected; clients in use read it.
            'org.matrix.msc3202.device_one_time_key_counts': counts,
            'org.matrix.msc3202.device_unused_fallback_key_types': unused,
          }),
    };
    return { toDevice, body, isMoreWaiting: toDevice.length === MAX_TO_DEVICE };
  };
}

function renderToDevice({ userId, deviceId, sender, type, content }: WaitingToDevice): JsonObject {
  return { type, sender, content: JSON.parse(content) as JsonObject, to_user_id: userId, to_device_id: deviceId };
}
