import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { DeviceIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import {
  EmailTokenRequestSchema,
  PhoneTokenRequestSchema,
  TokenSessionSchema,
  UnbindResultSchema,
} from '../schemas/third-party-identifiers.ts';
import { AuthenticationDataSchema } from '../schemas/user-interactive-auth.ts';

/** Deactivate a user's account. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3accountdeactivate */
export const deactivateAccount = endpoint({
  id: 'deactivateAccount',
  method: 'POST',
  path: '/_matrix/client/v3/account/deactivate',
  auth: 'optional-access-token',
  body: Type.Object({
    auth: Type.Optional(AuthenticationDataSchema),
    id_server: Type.Optional(Type.String()),
    erase: Type.Optional(Type.Boolean()),
  }),
  response: UnbindResultSchema,
  rateLimit: 'login',
});

/** Changes a user's password. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3accountpassword */
export const changePassword = endpoint({
  id: 'changePassword',
  method: 'POST',
  path: '/_matrix/client/v3/account/password',
  auth: 'optional-access-token',
  body: Type.Object({
    new_password: Type.String(),
    logout_devices: Type.Optional(Type.Boolean()),
    auth: Type.Optional(AuthenticationDataSchema),
  }),
  response: EmptySchema,
  rateLimit: 'login',
});

/**
 * Requests a validation token be sent to the given email address for the purpose of resetting a user's password.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3accountpasswordemailrequesttoken
 */
export const requestTokenToResetPasswordEmail = endpoint({
  id: 'requestTokenToResetPasswordEmail',
  method: 'POST',
  path: '/_matrix/client/v3/account/password/email/requestToken',
  auth: 'none',
  body: EmailTokenRequestSchema,
  response: TokenSessionSchema,
  errors: ['M_THREEPID_NOT_FOUND', 'M_SERVER_NOT_TRUSTED', 'M_THREEPID_DENIED'],
  rateLimit: 'mail',
});

/**
 * Requests a validation token be sent to the given phone number for the purpose of resetting a user's password.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3accountpasswordmsisdnrequesttoken
 */
export const requestTokenToResetPasswordMSISDN = endpoint({
  id: 'requestTokenToResetPasswordMSISDN',
  method: 'POST',
  path: '/_matrix/client/v3/account/password/msisdn/requestToken',
  auth: 'none',
  body: PhoneTokenRequestSchema,
  response: TokenSessionSchema,
  errors: ['M_THREEPID_NOT_FOUND', 'M_SERVER_NOT_TRUSTED', 'M_THREEPID_DENIED'],
  rateLimit: 'mail',
});

/**
 * Gets information about the owner of an access token.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3accountwhoami
 */
export const getTokenOwner = endpoint({
  id: 'getTokenOwner',
  method: 'GET',
  path: '/_matrix/client/v3/account/whoami',
  auth: 'access-token',
  guests: true,
  response: Type.Object({ user_id: UserIdSchema, device_id: Type.Optional(DeviceIdSchema), is_guest: Type.Optional(Type.Boolean()) }),
  errors: ['M_FORBIDDEN'],
});
