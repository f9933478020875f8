import { claimUserEncryptionKeys, getUserDevices, queryUserEncryptionKeys } from 'federation-spec/api/server/devices.ts';
import type { E2ee } from '../../domain/e2ee/create-e2ee.ts';
import { type Route, raw, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/server-server-api/#device-management */
export function serverDeviceRoutes(e2ee: Pick<E2ee, 'queryKeys' | 'claimKeys' | 'listDevicesForServer'>): Route[] {
  return [
    route(getUserDevices, async ({ params, origin }) => {
      const { userId, streamId, devices, masterKey, selfSigningKey } = await e2ee.listDevicesForServer(origin, params.userId);
      const listed = devices.map((device) => ({ device_id: device.deviceId, keys: device.keys }));
      return raw({
        json: { user_id: userId, stream_id: streamId, devices: listed, master_key: masterKey, self_signing_key: selfSigningKey },
      });
    }),
    route(queryUserEncryptionKeys, async ({ body }) => {
      const { deviceKeys, masterKeys, selfSigningKeys } = await e2ee.queryKeys.forServer(
        Object.fromEntries(Object.entries(body.device_keys).map(([userId, devices]) => [userId, devices ?? []])),
      );
      return raw({ json: { device_keys: deviceKeys, master_keys: masterKeys, self_signing_keys: selfSigningKeys } });
    }),
    route(claimUserEncryptionKeys, async ({ body }) =>
      raw({ json: { one_time_keys: await e2ee.claimKeys.forServer(body.one_time_keys) } }),
    ),
  ];
}
