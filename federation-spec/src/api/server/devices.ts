import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClaimedKeysSchema } from '../schemas/device-keys.ts';
import { DeviceIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { mapOf } from '../schemas/json.ts';

/** Gets all of the user's devices. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1userdevicesuserid */
export const getUserDevices = endpoint({
  id: 'getUserDevices',
  method: 'GET',
  path: '/_matrix/federation/v1/user/devices/:userId',
  auth: 'federation',
  params: Type.Object({ userId: UserIdSchema }),
  response: Type.Object({
    user_id: UserIdSchema,
    stream_id: Type.Integer(),
    devices: Type.Array(
      Type.Object({
        device_id: DeviceIdSchema,
        /** Unread: one device with strange keys, or with none, must not hide the others. */
        keys: Type.Optional(Type.Unknown()),
        device_display_name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
      }),
    ),
    master_key: Type.Optional(Type.Unknown()),
    self_signing_key: Type.Optional(Type.Unknown()),
  }),
  rateLimit: 'federation',
});

/**
 * Claims one-time encryption keys for a user.
 * https://spec.matrix.org/latest/server-server-api/#post_matrixfederationv1userkeysclaim
 */
export const claimUserEncryptionKeys = endpoint({
  id: 'claimUserEncryptionKeys',
  method: 'POST',
  path: '/_matrix/federation/v1/user/keys/claim',
  auth: 'federation',
  body: Type.Object({ one_time_keys: mapOf(mapOf(Type.String())) }),
  response: Type.Object({ one_time_keys: ClaimedKeysSchema }),
  rateLimit: 'federation',
});

/** Download device identity keys. https://spec.matrix.org/latest/server-server-api/#post_matrixfederationv1userkeysquery */
export const queryUserEncryptionKeys = endpoint({
  id: 'queryUserEncryptionKeys',
  method: 'POST',
  path: '/_matrix/federation/v1/user/keys/query',
  auth: 'federation',
  body: Type.Object({ device_keys: mapOf(Type.Union([Type.Array(Type.String()), Type.Null()])) }),
  response: Type.Object({
    device_keys: mapOf(mapOf(Type.Unknown())),
    master_keys: Type.Optional(mapOf(Type.Unknown())),
    self_signing_keys: Type.Optional(mapOf(Type.Unknown())),
  }),
  rateLimit: 'federation',
});
