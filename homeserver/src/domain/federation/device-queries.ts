import { OneTimeKeySchema } from 'federation-spec/api/schemas/device-keys.ts';
import { mapOf } from 'federation-spec/api/schemas/json.ts';
import { claimUserEncryptionKeys, getUserDevices, queryUserEncryptionKeys } from 'federation-spec/api/server/devices.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { FederationClient } from './federation-client.ts';

type KeysByUser = Record<string, JsonObject>;
type Devices = Record<string, Record<string, JsonObject>>;

const isOneTimeKey = Compile(OneTimeKeySchema);

/** What is odd about one person or device must not hide the others: each is read by itself. */
const LOOSE_KEYS = {
  ...queryUserEncryptionKeys,
  response: Type.Object({ ...queryUserEncryptionKeys.response.properties, device_keys: Type.Optional(mapOf(Type.Unknown())) }),
};
const LOOSE_CLAIMS = { ...claimUserEncryptionKeys, response: Type.Object({ one_time_keys: Type.Optional(mapOf(Type.Unknown())) }) };
const LOOSE_DEVICES = {
  ...getUserDevices,
  response: Type.Object({ ...getUserDevices.response.properties, devices: Type.Optional(Type.Array(Type.Unknown())) }),
};

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
      const answer = await client.call(serverName, LOOSE_KEYS, { body: { device_keys: deviceKeys } }, { timeoutMs, urgency: 'person' });
      return {
        deviceKeys: mapsIn(answer.device_keys),
        masterKeys: (answer.master_keys ?? {}) as KeysByUser,
        selfSigningKeys: (answer.self_signing_keys ?? {}) as KeysByUser,
      };
    },
    claimRemoteKeys: async (serverName, wanted, timeoutMs) => {
      const body = { one_time_keys: wanted as Record<string, Record<string, string>> };
      const answer = await client.call(serverName, LOOSE_CLAIMS, { body }, { timeoutMs, urgency: 'person' });
      return mapsIn(answer.one_time_keys, (keys) => Object.values(keys).every((key) => isOneTimeKey.Check(key)));
    },
    fetchRemoteDevices: async (userId, timeoutMs) => {
      const answer = await client.call(serverNameOf(userId) ?? '', LOOSE_DEVICES, { params: { userId } }, { timeoutMs, urgency: 'person' });
      return {
        streamId: answer.stream_id,
        devices: (answer.devices ?? [])
          .filter(isJsonObject)
          .flatMap(({ device_id: deviceId, keys, device_display_name: displayName }) =>
            typeof deviceId === 'string' && isJsonObject(keys) ? [{ deviceId, keys, displayName }] : [],
          ),
        ...(answer.master_key === undefined ? {} : { masterKey: answer.master_key as JsonObject }),
        ...(answer.self_signing_key === undefined ? {} : { selfSigningKey: answer.self_signing_key as JsonObject }),
      };
    },
  };
}

/** The objects in the objects of a map: of each person their devices. */
function mapsIn(map: Readonly<Record<string, unknown>> = {}, isSound: (device: JsonObject) => boolean = () => true): Devices {
  const people = Object.entries(map).flatMap(([userId, devices]) => {
    if (!isJsonObject(devices)) return [];
    return [
      [
        userId,
        Object.fromEntries(
          Object.entries(devices).filter((entry): entry is [string, JsonObject] => isJsonObject(entry[1]) && isSound(entry[1])),
        ),
      ] as const,
    ];
  });
  return Object.fromEntries(people);
}
