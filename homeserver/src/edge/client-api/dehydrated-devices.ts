import {
  deleteDehydratedDevice,
  getDehydratedDevice,
  getDehydratedDeviceEvents,
  putDehydratedDevice,
} from 'federation-spec/api/client/dehydrated-devices.ts';
import type { DehydratedDevices } from '../../domain/e2ee/dehydrated-devices.ts';
import { type Route, route } from '../http/route.ts';

/** https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
export function dehydratedDeviceRoutes(devices: DehydratedDevices): Route[] {
  return [
    route(putDehydratedDevice, async ({ requester, body }) => {
      await devices.put(requester, {
        deviceId: body.device_id,
        displayName: body.initial_device_display_name,
        deviceData: body.device_data,
        deviceKeys: body.device_keys,
        oneTimeKeys: body.one_time_keys,
        fallbackKeys: body.fallback_keys,
      });
      return { device_id: body.device_id };
    }),
    route(getDehydratedDevice, async ({ requester }) => {
      const { deviceId, deviceData } = await devices.load(requester.userNid);
      return { device_id: deviceId, device_data: deviceData };
    }),
    route(deleteDehydratedDevice, async ({ requester }) => ({ device_id: await devices.remove(requester) })),
    route(getDehydratedDeviceEvents, async ({ requester, params, body }) => {
      const { messages, nextBatch } = await devices.listMessages(requester.userNid, params.deviceId, body.next_batch);
      return { next_batch: nextBatch, events: messages };
    }),
  ];
}
