import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { CrossSigningKeySchema } from '../schemas/device-keys.ts';
import { EmptySchema, JsonObjectSchema, mapOf } from '../schemas/json.ts';
import { AuthenticationDataSchema } from '../schemas/user-interactive-auth.ts';

/** Upload cross-signing keys. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keysdevice_signingupload */
export const uploadCrossSigningKeys = endpoint({
  id: 'uploadCrossSigningKeys',
  method: 'POST',
  path: '/_matrix/client/v3/keys/device_signing/upload',
  alsoAt: ['/_matrix/client/unstable/keys/device_signing/upload'],
  auth: 'access-token',
  body: Type.Object({
    master_key: Type.Optional(CrossSigningKeySchema),
    self_signing_key: Type.Optional(CrossSigningKeySchema),
    user_signing_key: Type.Optional(CrossSigningKeySchema),
    auth: Type.Optional(AuthenticationDataSchema),
  }),
  response: EmptySchema,
  errors: ['M_INVALID_SIGNATURE', 'M_MISSING_PARAM', 'M_FORBIDDEN'],
});

/** Upload cross-signing signatures. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3keyssignaturesupload */
export const uploadCrossSigningSignatures = endpoint({
  id: 'uploadCrossSigningSignatures',
  method: 'POST',
  path: '/_matrix/client/v3/keys/signatures/upload',
  alsoAt: ['/_matrix/client/unstable/keys/signatures/upload'],
  auth: 'access-token',
  body: mapOf(mapOf(JsonObjectSchema)),
  response: Type.Object({ failures: Type.Optional(mapOf(mapOf(JsonObjectSchema))) }),
});
