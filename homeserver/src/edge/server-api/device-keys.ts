import { claimUserEncryptionKeys, getUserDevices, queryUserEncryptionKeys } from 'federation-spec/api/server/devices.ts';
import type { E2ee } from '../../domain/e2ee/create-e2ee.ts';
import { type Route, raw, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/server-server-api/#device-management and the end-to-end encryption after it */
export function serverDeviceKeyRoutes(e2ee: Pick<E2ee, 'queryKeys' | 'claimKeys' | 'listDevicesForServer'>): Route[] {
  return [
    route(getUserDevices, async ({ params, origin }) => {
      const { userId, streamId, devices, masterKey, selfSigningKey } = await e2ee.listDevicesForServer(origin, params.userId);
      return raw({
        json: {
          user_id: userId,
          stream_id: streamId,
          devices: devices.map(({ deviceId, keys }) => ({ device_id: deviceId, keys })),
          ...(masterKey === undefined ? {} : { master_key: masterKey }),
          ...(selfSigningKey === undefined ? {} : { self_signing_key: selfSigningKey }),
        },
      });
    }),
    route(queryUserEncryptionKeys, async ({ body }) => {
      const found = await e2ee.queryKeys.forServer(body.device_keys);
      return raw({
        json: { device_keys: found.deviceKeys, master_keys: found.masterKeys, self_signing_keys: found.selfSigningKeys },
      });
    }),
    route(claimUserEncryptionKeys, async ({ body }) =>
      raw({ json: { one_time_keys: await e2ee.claimKeys.forServer(body.one_time_keys) } }),
    ),
  ];
}
