import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';

/**
 * Exchange an OpenID token for user information.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1openiduserinfo
 */
export const exchangeOpenIdToken = endpoint({
  id: 'exchangeOpenIdToken',
  method: 'GET',
  path: '/_matrix/federation/v1/openid/userinfo',
  auth: 'none',
  /** Required; that it is missing has a code of its own. */
  query: Type.Object({ access_token: Type.Optional(Type.String()) }),
  response: Type.Object({ sub: Type.String() }),
  rateLimit: 'federation',
});
