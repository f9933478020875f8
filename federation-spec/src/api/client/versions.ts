import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { mapOf } from '../schemas/json.ts';

/**
 * Gets the versions of the specification supported by the server.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientversions
 */
export const getVersions = endpoint({
  id: 'getVersions',
  method: 'GET',
  path: '/_matrix/client/versions',
  auth: 'optional-access-token',
  response: Type.Object({ versions: Type.Array(Type.String()), unstable_features: Type.Optional(mapOf(Type.Boolean())) }),
  rateLimit: 'none',
});
