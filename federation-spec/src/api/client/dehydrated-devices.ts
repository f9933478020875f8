import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { LooseDeviceKeysSchema, OneTimeKeysSchema } from '../schemas/device-keys.ts';
import { DeviceIdSchema } from '../schemas/ids.ts';
import { JsonObjectSchema } from '../schemas/json.ts';
import { ToDeviceEventSchema } from '../schemas/sync.ts';

/** Store a device that receives room keys while no other is there. https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
export const putDehydratedDevice = endpoint({
  id: 'putDehydratedDevice',
  method: 'PUT',
  path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device',
  auth: 'access-token',
  body: Type.Object({
    device_id: DeviceIdSchema,
    initial_device_display_name: Type.Optional(Type.String()),
    /** The private keys, encrypted by the client. */
    device_data: JsonObjectSchema,
    device_keys: LooseDeviceKeysSchema,
    one_time_keys: Type.Optional(OneTimeKeysSchema),
    fallback_keys: Type.Optional(OneTimeKeysSchema),
  }),
  response: Type.Object({ device_id: DeviceIdSchema }),
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/3814',
});

/** Get the stored device. https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
export const getDehydratedDevice = endpoint({
  id: 'getDehydratedDevice',
  method: 'GET',
  path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device',
  auth: 'access-token',
  response: Type.Object({ device_id: DeviceIdSchema, device_data: JsonObjectSchema }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/3814',
});

/** Remove the stored device. https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
export const deleteDehydratedDevice = endpoint({
  id: 'deleteDehydratedDevice',
  method: 'DELETE',
  path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device',
  auth: 'access-token',
  response: Type.Object({ device_id: DeviceIdSchema }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/3814',
});

/** Get what was sent to the stored device, part by part. https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
export const getDehydratedDeviceEvents = endpoint({
  id: 'getDehydratedDeviceEvents',
  method: 'POST',
  path: '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/:deviceId/events',
  auth: 'access-token',
  params: Type.Object({ deviceId: DeviceIdSchema }),
  body: Type.Object({ next_batch: Type.Optional(Type.String()) }),
  response: Type.Object({ next_batch: Type.Optional(Type.String()), events: Type.Array(ToDeviceEventSchema) }),
  errors: ['M_FORBIDDEN'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/3814',
});
