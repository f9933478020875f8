import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { DeviceIdSchema, ServerNameSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmailTokenRequestSchema, PhoneTokenRequestSchema, TokenSessionSchema } from '../schemas/third-party-identifiers.ts';
import { AuthenticationDataSchema } from '../schemas/user-interactive-auth.ts';

/**
 * Query if a given registration token is still valid.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1registermloginregistration_tokenvalidity
 */
export const registrationTokenValidity = endpoint({
  id: 'registrationTokenValidity',
  method: 'GET',
  path: '/_matrix/client/v1/register/m.login.registration_token/validity',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3231/register/org.matrix.msc3231.login.registration_token/validity'],
  auth: 'none',
  query: Type.Object({ token: Type.String() }),
  response: Type.Object({ valid: Type.Boolean() }),
  errors: ['M_FORBIDDEN'],
  rateLimit: 'login',
  since: 'v1.2',
});

/** Register for an account on this homeserver. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3register */
export const register = endpoint({
  id: 'register',
  method: 'POST',
  path: '/_matrix/client/v3/register',
  auth: 'none',
  query: Type.Object({ kind: Type.Optional(Type.Enum(['guest', 'user'])) }),
  body: Type.Object({
    auth: Type.Optional(AuthenticationDataSchema),
    /** `m.login.application_service`, when one registers a user of its own. */
    type: Type.Optional(Type.String()),
    username: Type.Optional(Type.String()),
    /** What application services called it at first, and older ones still do. */
    user: Type.Optional(Type.String()),
    password: Type.Optional(Type.String()),
    device_id: Type.Optional(DeviceIdSchema),
    initial_device_display_name: Type.Optional(Type.String()),
    inhibit_login: Type.Optional(Type.Boolean()),
    refresh_token: Type.Optional(Type.Boolean()),
    /** Makes a guest's account a full one. */
    guest_access_token: Type.Optional(Type.String()),
  }),
  response: Type.Object({
    user_id: UserIdSchema,
    access_token: Type.Optional(Type.String()),
    refresh_token: Type.Optional(Type.String()),
    expires_in_ms: Type.Optional(Type.Integer()),
    home_server: Type.Optional(ServerNameSchema),
    device_id: Type.Optional(DeviceIdSchema),
  }),
  errors: ['M_USER_IN_USE', 'M_INVALID_USERNAME', 'M_EXCLUSIVE', 'M_APPSERVICE_LOGIN_UNSUPPORTED', 'M_FORBIDDEN'],
  rateLimit: 'registration',
});

/**
 * Checks to see if a username is available on the server.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3registeravailable
 */
export const checkUsernameAvailability = endpoint({
  id: 'checkUsernameAvailability',
  method: 'GET',
  path: '/_matrix/client/v3/register/available',
  auth: 'none',
  query: Type.Object({ username: Type.String() }),
  response: Type.Object({ available: Type.Boolean() }),
  errors: ['M_USER_IN_USE', 'M_INVALID_USERNAME', 'M_EXCLUSIVE'],
  rateLimit: 'registration',
});

/**
 * Begins the validation process for an email to be used during registration.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3registeremailrequesttoken
 */
export const requestTokenToRegisterEmail = endpoint({
  id: 'requestTokenToRegisterEmail',
  method: 'POST',
  path: '/_matrix/client/v3/register/email/requestToken',
  auth: 'none',
  body: EmailTokenRequestSchema,
  response: TokenSessionSchema,
  errors: ['M_THREEPID_IN_USE', 'M_SERVER_NOT_TRUSTED', 'M_THREEPID_DENIED'],
  rateLimit: 'mail',
});

/**
 * Requests a validation token be sent to the given phone number for the purpose of registering an account.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3registermsisdnrequesttoken
 */
export const requestTokenToRegisterMSISDN = endpoint({
  id: 'requestTokenToRegisterMSISDN',
  method: 'POST',
  path: '/_matrix/client/v3/register/msisdn/requestToken',
  auth: 'none',
  body: PhoneTokenRequestSchema,
  response: TokenSessionSchema,
  errors: ['M_THREEPID_IN_USE', 'M_SERVER_NOT_TRUSTED', 'M_THREEPID_DENIED'],
  rateLimit: 'mail',
});
