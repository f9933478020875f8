import type { Clock } from '../../platform/clock.ts';
import { invalidParam, notFound } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { type DeviceRow, findDevice, insertDevice, listDevices, updateDeviceName } from '../../storage/devices.ts';
import { checkDeviceName } from './device-names.ts';
import type { LastSeen } from './last-seen.ts';
import type { CommitDeviceChange, RemoveDevices } from './remove-devices.ts';
import type { Requester } from './requester.ts';
import type { RequireProof } from './uia.ts';
import { PASSWORD_STAGE } from './uia-stages.ts';

/** https://spec.matrix.org/latest/client-server-api/#device-management */
export type Devices = {
  list(userNid: number): Promise<DeviceRow[]>;
  /** @throws M_NOT_FOUND */
  load(userNid: number, deviceId: string): Promise<DeviceRow>;
  /** @throws M_NOT_FOUND */
  rename(owner: { userNid: number; userId: string }, deviceId: string, displayName: string): Promise<void>;
  /** Makes the device, or renames it; for application services, which log nobody in. Returns whether it was made. */
  put(requester: Requester, deviceId: string, displayName: string | undefined): Promise<boolean>;
  /** Logs the requester's own devices out for ever, after proof; an application service needs none. */
  removeWithProof(requester: Requester, deviceIds: readonly string[], auth: unknown, operation: string): Promise<void>;
  /** The same, after proof that the caller has had. */
  remove(owner: { userNid: number; userId: string }, deviceIds: readonly string[]): Promise<void>;
  /** Logs the device out that asks. */
  logOut(requester: Requester): Promise<void>;
  logOutAll(owner: { userNid: number; userId: string }, except?: string): Promise<void>;
};

const MAX_DEVICES_AT_ONCE = 1_000;

type Deps = {
  pool: Pool;
  requireProof: RequireProof;
  removeDevices: RemoveDevices;
  commitDeviceChange: CommitDeviceChange;
  lastSeen: LastSeen;
  clock: Clock;
};

export function createDevices({ pool, requireProof, removeDevices, commitDeviceChange, lastSeen, clock }: Deps): Devices {
  /** A device with what was heard of it since that was last stored. */
  function latest<Row extends DeviceRow | undefined>(userNid: number, device: Row): Row {
    const sighting = device === undefined ? undefined : lastSeen.find(userNid, device.deviceId);
    if (device === undefined || sighting === undefined) return device;
    return { ...device, lastSeenAt: sighting.seenAt, lastSeenIp: sighting.ip, lastSeenUserAgent: sighting.userAgent };
  }

  async function load(userNid: number, deviceId: string): Promise<DeviceRow> {
    const device = latest(userNid, await findDevice(pool, userNid, deviceId));
    if (device === undefined) throw notFound(`You have no device ${deviceId}`);
    return device;
  }

  async function rename(owner: { userNid: number; userId: string }, deviceId: string, displayName: string): Promise<void> {
    checkDeviceName(displayName);
    await load(owner.userNid, deviceId);
    await commitDeviceChange(owner, [deviceId], (sql) => updateDeviceName(sql, owner.userNid, deviceId, displayName));
  }

  return {
    list: async (userNid) => (await listDevices(pool, userNid)).map((device) => latest(userNid, device)),
    load,
    rename,
    async put(requester, deviceId, displayName) {
      if (displayName !== undefined) checkDeviceName(displayName);
      const isNew = await insertDevice(pool, { userNid: requester.userNid, deviceId, displayName, createdAt: clock.now() });
      if (!isNew && displayName !== undefined) await rename(requester, deviceId, displayName);
      return isNew;
    },
    async removeWithProof(requester, deviceIds, auth, operation) {
      if (deviceIds.length > MAX_DEVICES_AT_ONCE) throw invalidParam(`At most ${MAX_DEVICES_AT_ONCE} devices can be removed at once`);
      if (requester.appservice === undefined) {
        const pass = await requireProof({ operation, requester, body: { devices: deviceIds }, auth, flows: [[PASSWORD_STAGE]] });
        await pass.finish(pool);
      }
      await removeDevices(requester, deviceIds);
    },
    remove: removeDevices,
    logOut: (requester) => removeDevices(requester, [requester.deviceId]),
    async logOutAll(owner, except) {
      const devices = await listDevices(pool, owner.userNid);
      await removeDevices(
        owner,
        devices.map(({ deviceId }) => deviceId).filter((deviceId) => deviceId !== except),
      );
    },
  };
}
