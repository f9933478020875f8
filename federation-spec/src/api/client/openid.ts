import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { UserIdSchema } from '../schemas/ids.ts';
import { OpenIdTokenSchema } from '../schemas/openid.ts';

/**
 * Get an OpenID token object to verify the requester's identity.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3useruseridopenidrequest_token
 */
export const requestOpenIdToken = endpoint({
  id: 'requestOpenIdToken',
  method: 'POST',
  path: '/_matrix/client/v3/user/:userId/openid/request_token',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  response: OpenIdTokenSchema,
});
