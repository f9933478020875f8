import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ServerNameSchema, TimestampSchema } from '../schemas/ids.ts';
import { mapOf } from '../schemas/json.ts';
import { QueryCountSchema } from '../schemas/query.ts';
import { NotaryKeysSchema, ServerKeysSchema } from '../schemas/server-keys.ts';

/** Query for several server's keys. https://spec.matrix.org/latest/server-server-api/#post_matrixkeyv2query */
export const bulkPerspectivesKeyQuery = endpoint({
  id: 'bulkPerspectivesKeyQuery',
  method: 'POST',
  path: '/_matrix/key/v2/query',
  auth: 'none',
  body: Type.Object({ server_keys: mapOf(mapOf(Type.Object({ minimum_valid_until_ts: Type.Optional(TimestampSchema) }))) }),
  response: NotaryKeysSchema,
  rateLimit: 'federation',
});

/** Query for another server's keys. https://spec.matrix.org/latest/server-server-api/#get_matrixkeyv2queryservername */
export const perspectivesKeyQuery = endpoint({
  id: 'perspectivesKeyQuery',
  method: 'GET',
  path: '/_matrix/key/v2/query/:serverName',
  alsoAt: ['/_matrix/key/v2/query/:serverName/:keyId'],
  auth: 'none',
  params: Type.Object({ serverName: ServerNameSchema, keyId: Type.Optional(Type.String()) }),
  query: Type.Object({ minimum_valid_until_ts: Type.Optional(QueryCountSchema) }),
  response: NotaryKeysSchema,
  rateLimit: 'federation',
});

/** Get the homeserver's public key(s). https://spec.matrix.org/latest/server-server-api/#get_matrixkeyv2server */
export const getServerKey = endpoint({
  id: 'getServerKey',
  method: 'GET',
  path: '/_matrix/key/v2/server',
  /** Older servers name a key in the path; all keys are the answer all the same. */
  alsoAt: ['/_matrix/key/v2/server/:keyId'],
  auth: 'none',
  params: Type.Object({ keyId: Type.Optional(Type.String()) }),
  response: ServerKeysSchema,
  rateLimit: 'none',
});
