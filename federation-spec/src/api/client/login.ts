import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ContentUriSchema, DeviceIdSchema, ServerNameSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import { AuthenticationDataSchema } from '../schemas/user-interactive-auth.ts';
import { UserIdentifierSchema } from '../schemas/users.ts';
import { DiscoverySchema } from '../schemas/well-known.ts';

const LoginFlowSchema = Type.Object({
  type: Type.String(),
  /** Of `m.login.token`: whether `generateLoginToken` makes such tokens. */
  get_login_token: Type.Optional(Type.Boolean()),
  /** Of `m.login.sso`: clients that know of OAuth 2.0 offer this and nothing else. */
  oauth_aware_preferred: Type.Optional(Type.Boolean()),
  /** The same before it was in the specification. */
  'org.matrix.msc3824.delegated_oidc_compatibility': Type.Optional(Type.Boolean()),
  /** Of `m.login.sso`. */
  identity_providers: Type.Optional(
    Type.Array(
      Type.Object({
        id: Type.String(),
        name: Type.String(),
        icon: Type.Optional(ContentUriSchema),
        brand: Type.Optional(Type.String()),
      }),
    ),
  ),
});

const SsoQuerySchema = Type.Object({
  redirectUrl: Type.String(),
  action: Type.Optional(Type.Enum(['login', 'register'])),
});

/**
 * Optional endpoint to generate a single-use, time-limited, `m.login.token` token.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv1loginget_token
 */
export const generateLoginToken = endpoint({
  id: 'generateLoginToken',
  method: 'POST',
  path: '/_matrix/client/v1/login/get_token',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3882/login/get_token'],
  auth: 'access-token',
  body: Type.Object({ auth: Type.Optional(AuthenticationDataSchema) }),
  response: Type.Object({ login_token: Type.String(), expires_in_ms: Type.Integer() }),
  rateLimit: 'login',
  since: 'v1.7',
});

/** Get the supported login types to authenticate users. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3login */
export const getLoginFlows = endpoint({
  id: 'getLoginFlows',
  method: 'GET',
  path: '/_matrix/client/v3/login',
  auth: 'none',
  response: Type.Object({ flows: Type.Array(LoginFlowSchema) }),
  errors: ['M_UNRECOGNIZED'],
});

/** Authenticates the user. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3login */
export const login = endpoint({
  id: 'login',
  method: 'POST',
  path: '/_matrix/client/v3/login',
  auth: 'none',
  body: Type.Object({
    type: Type.String(),
    identifier: Type.Optional(UserIdentifierSchema),
    /** How the user was named before `identifier`. */
    user: Type.Optional(Type.String()),
    medium: Type.Optional(Type.String()),
    address: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    /** With the type `m.login.token`. */
    token: Type.Optional(Type.String()),
    device_id: Type.Optional(DeviceIdSchema),
    initial_device_display_name: Type.Optional(Type.String()),
    /** Whether the client can refresh its access token. */
    refresh_token: Type.Optional(Type.Boolean()),
  }),
  response: Type.Object({
    user_id: UserIdSchema,
    access_token: Type.String(),
    refresh_token: Type.Optional(Type.String()),
    expires_in_ms: Type.Optional(Type.Integer()),
    home_server: Type.Optional(ServerNameSchema),
    device_id: DeviceIdSchema,
    well_known: Type.Optional(DiscoverySchema),
  }),
  errors: ['M_APPSERVICE_LOGIN_UNSUPPORTED', 'M_FORBIDDEN', 'M_USER_DEACTIVATED'],
  rateLimit: 'login',
});

/** Invalidates a user access token. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3logout */
export const logout = endpoint({
  id: 'logout',
  method: 'POST',
  path: '/_matrix/client/v3/logout',
  auth: 'access-token',
  response: EmptySchema,
});

/** Invalidates all access tokens for a user. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3logoutall */
export const logout_all = endpoint({
  id: 'logout_all',
  method: 'POST',
  path: '/_matrix/client/v3/logout/all',
  auth: 'access-token',
  response: EmptySchema,
});

/** Refresh an access token. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3refresh */
export const refresh = endpoint({
  id: 'refresh',
  method: 'POST',
  path: '/_matrix/client/v3/refresh',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc2918/refresh'],
  auth: 'none',
  body: Type.Object({ refresh_token: Type.String() }),
  response: Type.Object({
    access_token: Type.String(),
    refresh_token: Type.Optional(Type.String()),
    expires_in_ms: Type.Optional(Type.Integer()),
  }),
  rateLimit: 'login',
  since: 'v1.3',
});

/**
 * Redirect the user's browser to the SSO interface.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3loginssoredirect
 */
export const redirectToSSO = endpoint({
  id: 'redirectToSSO',
  method: 'GET',
  path: '/_matrix/client/v3/login/sso/redirect',
  auth: 'none',
  query: SsoQuerySchema,
  response: 'raw',
  rateLimit: 'login',
});

/**
 * Redirect the user's browser to the SSO interface for an IdP.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3loginssoredirectidpid
 */
export const redirectToIdP = endpoint({
  id: 'redirectToIdP',
  method: 'GET',
  path: '/_matrix/client/v3/login/sso/redirect/:idpId',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc2858/login/sso/redirect/:idpId'],
  auth: 'none',
  params: Type.Object({ idpId: Type.String() }),
  query: SsoQuerySchema,
  response: 'raw',
  rateLimit: 'login',
});
