import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { DeviceSchema } from '../schemas/devices.ts';
import { DeviceIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import { AuthenticationDataSchema } from '../schemas/user-interactive-auth.ts';

/** Bulk deletion of devices. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3delete_devices */
export const deleteDevices = endpoint({
  id: 'deleteDevices',
  method: 'POST',
  path: '/_matrix/client/v3/delete_devices',
  auth: 'access-token',
  body: Type.Object({ devices: Type.Array(DeviceIdSchema), auth: Type.Optional(AuthenticationDataSchema) }),
  response: EmptySchema,
});

/** List registered devices for the current user. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3devices */
export const getDevices = endpoint({
  id: 'getDevices',
  method: 'GET',
  path: '/_matrix/client/v3/devices',
  auth: 'access-token',
  guests: true,
  response: Type.Object({ devices: Type.Array(DeviceSchema) }),
});

/** Delete a device. https://spec.matrix.org/latest/client-server-api/#delete_matrixclientv3devicesdeviceid */
export const deleteDevice = endpoint({
  id: 'deleteDevice',
  method: 'DELETE',
  path: '/_matrix/client/v3/devices/:deviceId',
  auth: 'access-token',
  params: Type.Object({ deviceId: DeviceIdSchema }),
  body: Type.Object({ auth: Type.Optional(AuthenticationDataSchema) }),
  response: EmptySchema,
});

/** Get a single device. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3devicesdeviceid */
export const getDevice = endpoint({
  id: 'getDevice',
  method: 'GET',
  path: '/_matrix/client/v3/devices/:deviceId',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ deviceId: DeviceIdSchema }),
  response: DeviceSchema,
});

/** Create or update a device. https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3devicesdeviceid */
export const updateDevice = endpoint({
  id: 'updateDevice',
  method: 'PUT',
  path: '/_matrix/client/v3/devices/:deviceId',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ deviceId: DeviceIdSchema }),
  /** Null is no name, as absent is. */
  body: Type.Object({ display_name: Type.Optional(Type.Union([Type.String(), Type.Null()])) }),
  response: EmptySchema,
});
