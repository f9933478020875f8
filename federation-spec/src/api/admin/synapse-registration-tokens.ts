import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EmptySchema } from '../schemas/json.ts';
import { QueryBooleanSchema } from '../schemas/query.ts';

const TOKENS = 'https://element-hq.github.io/synapse/latest/usage/administration/admin_api/registration_tokens.html';
const params = Type.Object({ token: Type.String() });
const NullableCountSchema = Type.Union([Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Type.Null()]);

const RegistrationTokenSchema = Type.Object({
  token: Type.String(),
  /** Null: any number of times. */
  uses_allowed: NullableCountSchema,
  /** Sign-ups that have shown it and are not done. */
  pending: Type.Integer(),
  completed: Type.Integer(),
  /** Milliseconds; null: never. */
  expiry_time: NullableCountSchema,
});

/** The tokens that let newcomers in. */
export const listRegistrationTokens = endpoint({
  id: 'listRegistrationTokens',
  method: 'GET',
  path: '/_synapse/admin/v1/registration_tokens',
  auth: 'access-token',
  query: Type.Object({ valid: Type.Optional(QueryBooleanSchema) }),
  response: Type.Object({ registration_tokens: Type.Array(RegistrationTokenSchema) }),
  since: 'unstable',
  spec: TOKENS,
});

/** One of them. */
export const getRegistrationToken = endpoint({
  id: 'getRegistrationToken',
  method: 'GET',
  path: '/_synapse/admin/v1/registration_tokens/:token',
  auth: 'access-token',
  params,
  response: RegistrationTokenSchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: TOKENS,
});

/** Makes one. */
export const createRegistrationToken = endpoint({
  id: 'createRegistrationToken',
  method: 'POST',
  path: '/_synapse/admin/v1/registration_tokens/new',
  auth: 'access-token',
  body: Type.Object({
    token: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9._~-]{1,64}$' })),
    length: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    uses_allowed: Type.Optional(NullableCountSchema),
    expiry_time: Type.Optional(NullableCountSchema),
  }),
  response: RegistrationTokenSchema,
  errors: ['M_INVALID_PARAM'],
  since: 'unstable',
  spec: TOKENS,
});

/** Changes how often, or until when, one may be used. */
export const updateRegistrationToken = endpoint({
  id: 'updateRegistrationToken',
  method: 'PUT',
  path: '/_synapse/admin/v1/registration_tokens/:token',
  auth: 'access-token',
  params,
  body: Type.Object({ uses_allowed: Type.Optional(NullableCountSchema), expiry_time: Type.Optional(NullableCountSchema) }),
  response: RegistrationTokenSchema,
  errors: ['M_NOT_FOUND', 'M_INVALID_PARAM'],
  since: 'unstable',
  spec: TOKENS,
});

/** Takes one back. */
export const deleteRegistrationToken = endpoint({
  id: 'deleteRegistrationToken',
  method: 'DELETE',
  path: '/_synapse/admin/v1/registration_tokens/:token',
  auth: 'access-token',
  params,
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: TOKENS,
});
