import type { JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { notFound } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import type { Pool } from '../../storage/database.ts';
import { findLastDeviceListChange, recordUpdateSent } from '../../storage/device-lists.ts';
import { findUserNids } from '../../storage/users.ts';
import type { Log } from '../streams/log.ts';
import type { Notifier } from '../streams/notifier.ts';
import { withUnsigned } from './check-keys.ts';
import { type AskForOneTimeKeys, type ClaimKeys, type ClaimRemoteKeys, createClaimKeys } from './claim-keys.ts';
import { createDehydratedDevices, type DehydratedDevices } from './dehydrated-devices.ts';
import { createDeviceLists, type DeviceLists } from './device-lists.ts';
import { createKeyBackups, type KeyBackups } from './key-backups.ts';
import { createKeyCounts, type KeyCounts } from './key-counts.ts';
import type { OwedMessages } from './owed-messages.ts';
import { type AskForKeys, createQueryKeys, type QueryKeys, type QueryRemoteKeys } from './query-keys.ts';
import { createReadKeys } from './read-keys.ts';
import { createRemoteDeviceLists, type FetchRemoteDevices, type RemoteDeviceLists } from './remote-device-lists.ts';
import { createToDevice, type ToDevice } from './send-to-device.ts';
import { createToDeviceInbox, type ToDeviceInbox } from './to-device-inbox.ts';
import { createUploadCrossSigningKeys, type UploadCrossSigningKeys } from './upload-cross-signing-keys.ts';
import { createUploadKeys, type UploadKeys } from './upload-keys.ts';
import { createUploadSignatures, type UploadSignatures } from './upload-signatures.ts';

/** End-to-end encryption, as far as a server has a part in it: public keys, messages between devices, key backups. */
export type E2ee = {
  uploadKeys: UploadKeys;
  queryKeys: QueryKeys;
  claimKeys: ClaimKeys;
  uploadCrossSigningKeys: UploadCrossSigningKeys;
  uploadSignatures: UploadSignatures;
  keyBackups: KeyBackups;
  dehydratedDevices: DehydratedDevices;
  toDevice: ToDevice;
  /** What sync shows. */
  forSync: {
    acknowledgeToDevice: ToDeviceInbox['acknowledge'];
    listToDevice: ToDeviceInbox['list'];
    countKeys: KeyCounts['count'];
    listDeviceListChanges: DeviceLists['listChanges'];
  };
  onKeyCountsChange: KeyCounts['onChange'];
  deviceLists: DeviceLists;
  remoteDeviceLists: RemoteDeviceLists;
  /** Answers `GET /user/devices`. @throws M_NOT_FOUND */
  listDevicesForServer(origin: string, userId: string): Promise<DevicesForServer>;
};

export type DevicesForServer = {
  userId: string;
  streamId: number;
  devices: { deviceId: string; keys: JsonObject }[];
  masterKey: JsonObject | undefined;
  selfSigningKey: JsonObject | undefined;
};

/** What end-to-end encryption needs of other servers. */
export type E2eeNetwork = { queryRemoteKeys: QueryRemoteKeys; claimRemoteKeys: ClaimRemoteKeys; fetchRemoteDevices: FetchRemoteDevices };

/** What it needs of those who keep keys of users of here themselves. */
export type E2eeKeepers = { askForOneTimeKeys: AskForOneTimeKeys; askForKeys: AskForKeys };

type Ground = {
  pool: Pool;
  owed: OwedMessages;
  log: Log;
  notifier: Notifier;
  clock: Clock;
  random: Random;
  logger: Logger;
  serverName: string;
};
type Deps = Ground & E2eeNetwork & E2eeKeepers;

export function createE2ee(deps: Deps): E2ee {
  const { pool, log, notifier, serverName } = deps;
  const keyCounts = createKeyCounts({ pool });
  const readKeys = createReadKeys({ pool });
  const deviceLists = createDeviceLists({ pool, log, notifier, keyCounts, readKeys, serverName });
  const remoteDeviceLists = createRemoteDeviceLists({ ...deps, deviceLists });
  const inbox = createToDeviceInbox({ pool });

  return {
    uploadKeys: createUploadKeys({ pool, log, deviceLists, keyCounts }),
    queryKeys: createQueryKeys({ ...deps, readKeys, remoteLists: remoteDeviceLists }),
    claimKeys: createClaimKeys({ ...deps, keyCounts, readKeys }),
    uploadCrossSigningKeys: createUploadCrossSigningKeys({ pool, log, deviceLists }),
    uploadSignatures: createUploadSignatures({ pool, log, deviceLists, readKeys }),
    keyBackups: createKeyBackups({ pool }),
    dehydratedDevices: createDehydratedDevices({ ...deps, deviceLists, keyCounts }),
    toDevice: createToDevice({ ...deps, inbox }),
    forSync: {
      acknowledgeToDevice: inbox.acknowledge,
      listToDevice: inbox.list,
      countKeys: keyCounts.count,
      listDeviceListChanges: deviceLists.listChanges,
    },
    onKeyCountsChange: keyCounts.onChange,
    deviceLists,
    remoteDeviceLists,
    async listDevicesForServer(origin, userId) {
      const userNid = serverNameOf(userId) === serverName ? (await findUserNids(pool, [userId])).get(userId) : undefined;
      if (userNid === undefined) throw notFound(`Nobody here is called ${userId}`);
      const streamId = await findLastDeviceListChange(pool, userNid);
      const keys = (await readKeys([{ userNid, userId }], undefined)).get(userId);
      // The next update for this server follows what it is told now.
      await pool.begin((sql) => recordUpdateSent(sql, { userNid, servers: [origin], streamId }));
      const devices = [...(keys?.devices ?? [])].map(([deviceId, deviceKeys]) => ({ deviceId, keys: withUnsigned(deviceKeys) }));
      return { userId, streamId, devices, masterKey: keys?.master, selfSigningKey: keys?.selfSigning };
    },
  };
}
