import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { DeviceIdSchema, ServerNameSchema, UserIdSchema } from '../schemas/ids.ts';

const SPEC = 'https://element-hq.github.io/synapse/latest/admin_api/register_api.html';

/** A nonce for one registration by shared secret, as Synapse's tools ask for it. */
export const getRegistrationNonce = endpoint({
  id: 'getRegistrationNonce',
  method: 'GET',
  path: '/_synapse/admin/v1/register',
  auth: 'none',
  response: Type.Object({ nonce: Type.String() }),
  rateLimit: 'registration',
  since: 'unstable',
  spec: SPEC,
});

/** Registers an account for who knows the registration secret. */
export const registerWithSharedSecret = endpoint({
  id: 'registerWithSharedSecret',
  method: 'POST',
  path: '/_synapse/admin/v1/register',
  auth: 'none',
  body: Type.Object({
    nonce: Type.String(),
    username: Type.String(),
    password: Type.String(),
    displayname: Type.Optional(Type.String()),
    admin: Type.Optional(Type.Boolean()),
    user_type: Type.Optional(Type.String()),
    mac: Type.String(),
    inhibit_login: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({
    user_id: UserIdSchema,
    home_server: ServerNameSchema,
    access_token: Type.Optional(Type.String()),
    device_id: Type.Optional(DeviceIdSchema),
  }),
  rateLimit: 'registration',
  since: 'unstable',
  spec: SPEC,
});
