import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { JsonObjectSchema, mapOf } from '../schemas/json.ts';

/** Claim one-time keys of the application service's users. https://github.com/matrix-org/matrix-spec-proposals/pull/3983 */
export const claimAppserviceKeys = endpoint({
  id: 'claimAppserviceKeys',
  method: 'POST',
  path: '/_matrix/app/unstable/org.matrix.msc3983/keys/claim',
  auth: 'homeserver',
  /** By user and device: the algorithm of each key that is wanted. */
  body: mapOf(mapOf(Type.Array(Type.String()))),
  /** By user, device and `<algorithm>:<key id>`. */
  response: mapOf(mapOf(mapOf(Type.Union([Type.String(), JsonObjectSchema])))),
  rateLimit: 'none',
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/3983',
});

/** Query the device keys of the application service's users. https://github.com/matrix-org/matrix-spec-proposals/pull/3984 */
export const queryAppserviceKeys = endpoint({
  id: 'queryAppserviceKeys',
  method: 'POST',
  path: '/_matrix/app/unstable/org.matrix.msc3984/keys/query',
  auth: 'homeserver',
  /** An empty list asks for all devices. */
  body: Type.Object({ device_keys: mapOf(Type.Array(Type.String())) }),
  response: Type.Object({
    device_keys: Type.Optional(mapOf(mapOf(JsonObjectSchema))),
    master_keys: Type.Optional(mapOf(JsonObjectSchema)),
    self_signing_keys: Type.Optional(mapOf(JsonObjectSchema)),
  }),
  rateLimit: 'none',
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/3984',
});
