import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { JsonObjectSchema } from '../schemas/json.ts';

/*
 * The homeserver as its own OAuth 2.0 authorization server. The specification says what these do and leaves their addresses to the
 * server, which tells them in `getAuthMetadata`. Bodies are forms, as the RFCs have them, but for the registration's.
 */

const OAUTH = 'https://spec.matrix.org/latest/client-server-api/#oauth-20-api';

/** A parameter as it came: a list when it stands there more than once. */
const AnyParameterSchema = Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())]));

/** Whatever is missing or wrong is told to the person, or to the client at its own address, and not to the browser as JSON. */
const AuthorizationQuerySchema = Type.Object({
  response_type: AnyParameterSchema,
  response_mode: AnyParameterSchema,
  client_id: AnyParameterSchema,
  redirect_uri: AnyParameterSchema,
  scope: AnyParameterSchema,
  state: AnyParameterSchema,
  code_challenge: AnyParameterSchema,
  code_challenge_method: AnyParameterSchema,
  prompt: AnyParameterSchema,
  login_hint: AnyParameterSchema,
});

/**
 * The page where a user allows a client in; the authorization code goes back to the client's address.
 * https://spec.matrix.org/latest/client-server-api/#authorisation-code-flow
 */
export const authorize = endpoint({
  id: 'authorize',
  method: 'GET',
  path: '/oauth2/authorize',
  auth: 'none',
  query: AuthorizationQuerySchema,
  response: 'raw',
  since: 'v1.15',
  spec: OAUTH,
});

/** What that page sends when the user has decided. https://spec.matrix.org/latest/client-server-api/#authorisation-code-flow */
export const submitAuthorization = endpoint({
  id: 'submitAuthorization',
  method: 'POST',
  path: '/oauth2/authorize',
  auth: 'none',
  query: AuthorizationQuerySchema,
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
  since: 'v1.15',
  spec: OAUTH,
});

/** Makes a client known. https://spec.matrix.org/latest/client-server-api/#client-registration */
export const registerClient = endpoint({
  id: 'registerClient',
  method: 'POST',
  path: '/oauth2/register',
  auth: 'none',
  /** The client's metadata as JSON; the server says what is wrong with it in OAuth's own words. */
  body: 'raw',
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

/** What that page sends. https://spec.matrix.org/latest/client-server-api/#account-management-url-discovery */
export const submitAccountPage = endpoint({
  id: 'submitAccountPage',
  method: 'POST',
  path: '/account',
  auth: 'none',
  query: Type.Object({ action: Type.Optional(Type.String()), device_id: Type.Optional(Type.String()) }),
  body: 'raw',
  response: 'raw',
  rateLimit: 'login',
  since: 'v1.18',
  spec: OAUTH,
});

/** The page to type the code of a device into. https://spec.matrix.org/latest/client-server-api/#device-authorisation-flow */
export const showDeviceLink = endpoint({
  id: 'showDeviceLink',
  method: 'GET',
  path: '/oauth2/link',
  auth: 'none',
  query: Type.Object({ user_code: Type.Optional(Type.String()) }),
  response: 'raw',
  since: 'v1.18',
  spec: OAUTH,
});

/** What that page sends. https://spec.matrix.org/latest/client-server-api/#device-authorisation-flow */
export const submitDeviceLink = endpoint({
  id: 'submitDeviceLink',
  method: 'POST',
  path: '/oauth2/link',
  auth: 'none',
  query: Type.Object({ user_code: Type.Optional(Type.String()) }),
  body: 'raw',
  response: 'raw',
  rateLimit: 'login',
  since: 'v1.18',
  spec: OAUTH,
});

/** Where the sign-in provider sends the browser back to. https://spec.matrix.org/latest/client-server-api/#client-login-via-sso */
export const finishUpstreamSignIn = endpoint({
  id: 'finishUpstreamSignIn',
  method: 'GET',
  path: '/oauth2/callback',
  auth: 'none',
  query: Type.Object({
    code: Type.Optional(Type.String()),
    state: Type.Optional(Type.String()),
    error: Type.Optional(Type.String()),
    error_description: Type.Optional(Type.String()),
  }),
  response: 'raw',
  since: 'v1.1',
  spec: 'https://spec.matrix.org/latest/client-server-api/#client-login-via-sso',
});

/** What the page sends on which a newcomer chooses a user name. */
export const submitUpstreamSignIn = endpoint({
  id: 'submitUpstreamSignIn',
  method: 'POST',
  path: '/oauth2/callback',
  auth: 'none',
  body: 'raw',
  response: 'raw',
  rateLimit: 'login',
  since: 'v1.1',
  spec: 'https://spec.matrix.org/latest/client-server-api/#client-login-via-sso',
});

/** Sends somebody who wants to use one of our pages to the sign-in provider. */
export const beginUpstreamSignIn = endpoint({
  id: 'beginUpstreamSignIn',
  method: 'GET',
  path: '/oauth2/upstream',
  auth: 'none',
  query: Type.Object({ back: Type.String(), provider: Type.String() }),
  response: 'raw',
  rateLimit: 'login',
  since: 'v1.1',
  spec: 'https://spec.matrix.org/latest/client-server-api/#client-login-via-sso',
});

const SignInQuerySchema = Type.Object({ redirectUrl: Type.String(), prompt: Type.Optional(Type.String()) });

/** The page where people sign in for a client that takes a login token. https://spec.matrix.org/latest/client-server-api/#oauth-20-aware-clients */
export const showSignIn = endpoint({
  id: 'showSignIn',
  method: 'GET',
  path: '/oauth2/sign-in',
  auth: 'none',
  query: SignInQuerySchema,
  response: 'raw',
  since: 'v1.18',
  spec: OAUTH,
});

/** What that page sends. */
export const submitSignIn = endpoint({
  id: 'submitSignIn',
  method: 'POST',
  path: '/oauth2/sign-in',
  auth: 'none',
  query: SignInQuerySchema,
  body: 'raw',
  response: 'raw',
  rateLimit: 'login',
  since: 'v1.18',
  spec: OAUTH,
});

/** The picture of whoever is signed in to the account page. */
export const showAccountPicture = endpoint({
  id: 'showAccountPicture',
  method: 'GET',
  path: '/account/picture',
  auth: 'none',
  response: 'raw',
  errors: ['M_NOT_FOUND'],
  since: 'v1.18',
  spec: OAUTH,
});
