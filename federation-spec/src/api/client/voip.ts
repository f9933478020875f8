import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

/** Obtain TURN server credentials. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3voipturnserver */
export const getTurnServer = endpoint({
  id: 'getTurnServer',
  method: 'GET',
  path: '/_matrix/client/v3/voip/turnServer',
  auth: 'access-token',
  guests: true,
  response: Type.Object({ username: Type.String(), password: Type.String(), uris: Type.Array(Type.String()), ttl: Type.Integer() }),
});
