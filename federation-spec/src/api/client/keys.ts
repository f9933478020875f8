import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClaimedKeysSchema, CrossSigningKeySchema, LooseDeviceKeysSchema, OneTimeKeysSchema } from '../schemas/device-keys.ts';
import { DeviceIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { JsonObjectSchema, mapOf } from '../schemas/json.ts';

/** Query users with recent device key updates. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3keyschanges */
export const getKeysChanges = endpoint({
  id: 'getKeysChanges',
  method: 'GET',
  path: '/_matrix/client/v3/keys/changes',
  auth: 'access-token',
  query: Type.Object({ from: Type.String(), to: Type.String() }),
  response: Type.Object({ changed: Type.Array(UserIdSchema), left: Type.Array(UserIdSchema) }),
});

/** Claim one-time encryption keys. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keysclaim */
export const claimKeys = endpoint({
  id: 'claimKeys',
  method: 'POST',
  path: '/_matrix/client/v3/keys/claim',
  auth: 'access-token',
  guests: true,
  body: Type.Object({ timeout: Type.Optional(Type.Integer()), one_time_keys: mapOf(mapOf(Type.String())) }),
  response: Type.Object({ failures: Type.Optional(mapOf(JsonObjectSchema)), one_time_keys: ClaimedKeysSchema }),
});

/** Download device identity keys. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keysquery */
export const queryKeys = endpoint({
  id: 'queryKeys',
  method: 'POST',
  path: '/_matrix/client/v3/keys/query',
  auth: 'access-token',
  guests: true,
  body: Type.Object({ timeout: Type.Optional(Type.Integer()), device_keys: mapOf(Type.Array(DeviceIdSchema)) }),
  response: Type.Object({
    failures: Type.Optional(mapOf(JsonObjectSchema)),
    device_keys: Type.Optional(mapOf(mapOf(LooseDeviceKeysSchema))),
    master_keys: Type.Optional(mapOf(CrossSigningKeySchema)),
    self_signing_keys: Type.Optional(mapOf(CrossSigningKeySchema)),
    user_signing_keys: Type.Optional(mapOf(CrossSigningKeySchema)),
  }),
});

/** Upload end-to-end encryption keys. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keysupload */
export const uploadKeys = endpoint({
  id: 'uploadKeys',
  method: 'POST',
  path: '/_matrix/client/v3/keys/upload',
  auth: 'access-token',
  guests: true,
  body: Type.Object({
    device_keys: Type.Optional(LooseDeviceKeysSchema),
    one_time_keys: Type.Optional(OneTimeKeysSchema),
    fallback_keys: Type.Optional(OneTimeKeysSchema),
  }),
  response: Type.Object({ one_time_key_counts: mapOf(Type.Integer()) }),
});
