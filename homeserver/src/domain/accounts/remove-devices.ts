import type { Sql } from '../../storage/database.ts';
import { deleteDevices } from '../../storage/devices.ts';
import type { KnownTokens } from './known-tokens.ts';

type Owner = { userNid: number; userId: string };

/**
 * Runs a write in the same commit that tells everybody who shares a room with a person that the person's devices changed.
 * https://spec.matrix.org/latest/client-server-api/#tracking-the-device-list-for-a-user
 */
export type CommitDeviceChange = (owner: Owner, deviceIds: readonly string[], write: (sql: Sql) => PromiseLike<unknown>) => Promise<void>;

/** Tells people of this server who share a room with a person that the person has a new device. */
export type AnnounceDevice = (owner: Owner) => Promise<void>;

/** Removes devices with their tokens and keys; their access tokens are refused from the moment this resolves. */
export type RemoveDevices = (owner: Owner, deviceIds: readonly string[]) => Promise<void>;

/** Removes the account data that is about devices which are no more. */
export type ForgetDevices = (userNid: number, deviceIds: readonly string[]) => Promise<void>;

type Deps = { commitDeviceChange: CommitDeviceChange; forgetDevices: ForgetDevices; knownTokens: KnownTokens };

export function createRemoveDevices({ commitDeviceChange, forgetDevices, knownTokens }: Deps): RemoveDevices {
  return async function removeDevices(owner, deviceIds) {
    if (deviceIds.length === 0) return;
    await commitDeviceChange(owner, deviceIds, (sql) => deleteDevices(sql, owner.userNid, deviceIds));
    for (const deviceId of deviceIds) knownTokens.forgetUser(owner.userNid, deviceId);
    await forgetDevices(owner.userNid, deviceIds);
  };
}
