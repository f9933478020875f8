import { claimUserEncryptionKeys, getUserDevices, queryUserEncryptionKeys } from 'federation-spec/api/server/devices.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { FederationClient } from './federation-client.ts';

type KeysByUser = Record<string, JsonObject>;
type Devices = Record<string, Record<string, JsonObject>>;

/** Questions about the devices of other servers' users. Each throws `FederationError` when their server does not answer. */
export type DeviceQueries = {
  queryRemoteKeys: (
    serverName: string,
    deviceKeys: Record<string, string[]>,
    timeoutMs: number,
  ) => Promise<{ deviceKeys: Devices; masterKeys: KeysByUser; selfSigningKeys: KeysByUser }>;
  claimRemoteKeys: (
    serverName: string,
    wanted: Readonly<Record<string, Readonly<Record<string, string>>>>,
    timeoutMs: number,
  ) => Promise<Record<string, Record<string, JsonObject>>>;
  fetchRemoteDevices: (
    userId: string,
    timeoutMs: number,
  ) => Promise<{
    streamId: number;
    devices: { deviceId: string; keys: JsonObject; displayName?: unknown }[];
    masterKey?: JsonObject;
    selfSigningKey?: JsonObject;
  }>;
};

/** https://spec.matrix.org/latest/server-server-api/#end-to-end-encryption */
export function createDeviceQueries(client: FederationClient): DeviceQueries {
  return {
    queryRemoteKeys: async (serverName, deviceKeys, timeoutMs) => {
      const answer = await client.call(
        serverName,
        queryUserEncryptionKeys,
        { body: { device_keys: deviceKeys } },
        { timeoutMs, urgency: 'person' },
      );
      return {
        deviceKeys: answer.device_keys as Devices,
        masterKeys: (answer.master_keys ?? {}) as KeysByUser,
        selfSigningKeys: (answer.self_signing_keys ?? {}) as KeysByUser,
      };
    },
    claimRemoteKeys: async (serverName, wanted, timeoutMs) => {
      const body = { one_time_keys: wanted as Record<string, Record<string, string>> };
      const answer = await client.call(serverName, claimUserEncryptionKeys, { body }, { timeoutMs, urgency: 'person' });
      return answer.one_time_keys as Record<string, Record<string, JsonObject>>;
    },
    fetchRemoteDevices: async (userId, timeoutMs) => {
      const answer = await client.call(
        serverNameOf(userId) ?? '',
        getUserDevices,
        { params: { userId } },
        { timeoutMs, urgency: 'person' },
      );
      return {
        streamId: answer.stream_id,
        devices: answer.devices.flatMap(({ device_id: deviceId, keys, device_display_name: displayName }) =>
          isJsonObject(keys) ? [{ deviceId, keys, displayName }] : [],
        ),
        ...(answer.master_key === undefined ? {} : { masterKey: answer.master_key as JsonObject }),
        ...(answer.self_signing_key === undefined ? {} : { selfSigningKey: answer.self_signing_key as JsonObject }),
      };
    },
  };
}
