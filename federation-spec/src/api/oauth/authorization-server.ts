import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { JsonObjectSchema } from '../schemas/json.ts';

/*
 * The homeserver as its own OAuth 2.0 authorization server. The specification says what these do and leaves their addresses to the
 * server, which tells them in `getAuthMetadata`. Bodies are forms, as the RFCs have them, but for the registration's.
 */

const OAUTH = 'https://spec.matrix.org/latest/client-server-api/#oauth-20-api';

/**
 * The page where a user allows a client in; the authorization code goes back to the client's address.
 * https://spec.matrix.org/latest/client-server-api/#authorisation-code-flow
 */
export const authorize = endpoint({
  id: 'authorize',
  method: 'GET',
  path: '/oauth2/authorize',
  auth: 'none',
  query: Type.Object({
    response_type: Type.String(),
    response_mode: Type.Optional(Type.String()),
    client_id: Type.String(),
    redirect_uri: Type.String(),
    scope: Type.String(),
    state: Type.String(),
    code_challenge: Type.String(),
    code_challenge_method: Type.String(),
    prompt: Type.Optional(Type.String()),
    login_hint: Type.Optional(Type.String()),
  }),
  response: 'raw',
  rateLimit: 'login',
  since: 'v1.15',
  spec: OAUTH,
});

/** What that page sends when the user has decided. https://spec.matrix.org/latest/client-server-api/#authorisation-code-flow */
export const submitAuthorization = endpoint({
  id: 'submitAuthorization',
  method: 'POST',
  path: '/oauth2/authorize',
  auth: 'none',
  body: 'raw',
  response: 'raw',
  rateLimit: 'login',
  since: 'v1.15',
  spec: OAUTH,
});

/** Gives tokens for a code, a refresh token or a device code. https://spec.matrix.org/latest/client-server-api/#token-refresh-flow */
export const issueToken = endpoint({
  id: 'issueToken',
  method: 'POST',
  path: '/oauth2/token',
  auth: 'none',
  body: 'raw',
  response: Type.Object({
    access_token: Type.String(),
    token_type: Type.String(),
    /** Seconds. */
    expires_in: Type.Optional(Type.Integer()),
    refresh_token: Type.Optional(Type.String()),
    scope: Type.Optional(Type.String()),
  }),
  errors: [
    'invalid_request',
    'invalid_grant',
    'invalid_client',
    'unsupported_grant_type',
    'authorization_pending',
    'slow_down',
    'expired_token',
  ],
  rateLimit: 'login',
  since: 'v1.15',
  spec: OAUTH,
});

/** Makes a token worthless, and logs its device out. https://spec.matrix.org/latest/client-server-api/#token-revocation */
export const revokeToken = endpoint({
  id: 'revokeToken',
  method: 'POST',
  path: '/oauth2/revoke',
  auth: 'none',
  body: 'raw',
  response: 'raw',
  rateLimit: 'login',
  since: 'v1.15',
  spec: OAUTH,
});

/** Makes a client known. https://spec.matrix.org/latest/client-server-api/#client-registration */
export const registerClient = endpoint({
  id: 'registerClient',
  method: 'POST',
  path: '/oauth2/register',
  auth: 'none',
  body: Type.Intersect([
    Type.Object({
      client_uri: Type.String(),
      client_name: Type.Optional(Type.String()),
      redirect_uris: Type.Optional(Type.Array(Type.String())),
      response_types: Type.Optional(Type.Array(Type.String())),
      grant_types: Type.Optional(Type.Array(Type.String())),
      application_type: Type.Optional(Type.Enum(['web', 'native'])),
      token_endpoint_auth_method: Type.Optional(Type.String()),
      logo_uri: Type.Optional(Type.String()),
      tos_uri: Type.Optional(Type.String()),
      policy_uri: Type.Optional(Type.String()),
    }),
    JsonObjectSchema,
  ]),
  response: Type.Intersect([Type.Object({ client_id: Type.String() }), JsonObjectSchema]),
  errors: ['invalid_redirect_uri', 'invalid_client_metadata'],
  rateLimit: 'registration',
  since: 'v1.15',
  spec: OAUTH,
});

/** Begins the login of a device that cannot show a browser. https://spec.matrix.org/latest/client-server-api/#device-authorisation-flow */
export const authorizeDevice = endpoint({
  id: 'authorizeDevice',
  method: 'POST',
  path: '/oauth2/device',
  auth: 'none',
  body: 'raw',
  response: Type.Object({
    device_code: Type.String(),
    user_code: Type.String(),
    verification_uri: Type.String(),
    verification_uri_complete: Type.Optional(Type.String()),
    /** Seconds. */
    expires_in: Type.Integer(),
    /** Seconds to wait between two tries. */
    interval: Type.Optional(Type.Integer()),
  }),
  rateLimit: 'login',
  since: 'v1.18',
  spec: OAUTH,
});

/** The page where a user looks after the account. https://spec.matrix.org/latest/client-server-api/#account-management-url-discovery */
export const manageAccount = endpoint({
  id: 'manageAccount',
  method: 'GET',
  path: '/account',
  auth: 'none',
  query: Type.Object({ action: Type.Optional(Type.String()), device_id: Type.Optional(Type.String()) }),
  response: 'raw',
  since: 'v1.18',
  spec: OAUTH,
});
