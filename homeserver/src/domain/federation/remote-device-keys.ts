import { claimUserEncryptionKeys, getUserDevices, queryUserEncryptionKeys } from 'federation-spec/api/server/devices.ts';
import type { JsonObject, JsonValue } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { E2eeNetwork } from '../e2ee/create-e2ee.ts';
import type { FederationClient } from './federation-client.ts';

/** The keys of some hundred people, or the devices of one. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/** Asks other servers for the keys of their users. What they say is judged where it is used. */
export function createRemoteDeviceKeys({ client }: { client: FederationClient }): E2eeNetwork {
  return {
    async queryRemoteKeys(serverName, deviceKeys, timeoutMs) {
      const input = { body: { device_keys: deviceKeys } };
      const answer = await client.call(serverName, queryUserEncryptionKeys, input, { timeoutMs, maxBytes: MAX_ANSWER_BYTES });
      return {
        deviceKeys: answer.device_keys as Record<string, Record<string, JsonObject>>,
        masterKeys: (answer.master_keys ?? {}) as Record<string, JsonObject>,
        selfSigningKeys: (answer.self_signing_keys ?? {}) as Record<string, JsonObject>,
      };
    },
    async claimRemoteKeys(serverName, wanted, timeoutMs) {
      const input = { body: { one_time_keys: wanted } };
      const answer = await client.call(serverName, claimUserEncryptionKeys, input, { timeoutMs, maxBytes: MAX_ANSWER_BYTES });
      return answer.one_time_keys as Record<string, Record<string, Record<string, JsonValue>>>;
    },
    async fetchRemoteDevices(userId, timeoutMs) {
      const serverName = serverNameOf(userId) ?? '';
      const answer = await client.call(serverName, getUserDevices, { params: { userId } }, { timeoutMs, maxBytes: MAX_ANSWER_BYTES });
      return {
        streamId: answer.stream_id,
        devices: answer.devices.map(({ device_id: deviceId, keys }) => ({ deviceId, keys: keys as JsonObject })),
        ...(answer.master_key === undefined ? {} : { masterKey: answer.master_key as JsonObject }),
        ...(answer.self_signing_key === undefined ? {} : { selfSigningKey: answer.self_signing_key as JsonObject }),
      };
    },
  };
}
