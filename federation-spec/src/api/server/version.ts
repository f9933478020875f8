import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

/**
 * Gets information about the delegated server for server-server communication.
 * https://spec.matrix.org/latest/server-server-api/#getwell-knownmatrixserver
 */
export const getWellKnown = endpoint({
  id: 'getWellKnown',
  method: 'GET',
  path: '/.well-known/matrix/server',
  auth: 'none',
  response: Type.Object({ 'm.server': Type.String() }),
  rateLimit: 'none',
});

/**
 * Get the implementation name and version of this homeserver.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1version
 */
export const getVersion = endpoint({
  id: 'getVersion',
  method: 'GET',
  path: '/_matrix/federation/v1/version',
  auth: 'none',
  response: Type.Object({
    server: Type.Object({ name: Type.String(), version: Type.String() }),
  }),
  rateLimit: 'none',
});
