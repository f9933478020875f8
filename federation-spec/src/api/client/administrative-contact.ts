import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { TimestampSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import {
  EmailTokenRequestSchema,
  PhoneTokenRequestSchema,
  TokenSessionSchema,
  UnbindResultSchema,
} from '../schemas/third-party-identifiers.ts';
import { AuthenticationDataSchema } from '../schemas/user-interactive-auth.ts';

const ThirdPartyMediumSchema = Type.Enum(['email', 'msisdn']);
const BoundAddressSchema = Type.Object({ id_server: Type.Optional(Type.String()), medium: ThirdPartyMediumSchema, address: Type.String() });

/**
 * Gets a list of a user's third-party identifiers.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3account3pid
 */
export const getAccount3PIDs = endpoint({
  id: 'getAccount3PIDs',
  method: 'GET',
  path: '/_matrix/client/v3/account/3pid',
  auth: 'access-token',
  response: Type.Object({
    threepids: Type.Array(
      Type.Object({
        medium: ThirdPartyMediumSchema,
        address: Type.String(),
        validated_at: TimestampSchema,
        added_at: TimestampSchema,
      }),
    ),
  }),
});

/**
 * Adds contact information to the user's account.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3account3pid
 */
export const post3PIDs = endpoint({
  id: 'post3PIDs',
  method: 'POST',
  path: '/_matrix/client/v3/account/3pid',
  auth: 'access-token',
  body: Type.Object({
    auth: Type.Optional(AuthenticationDataSchema),
    three_pid_creds: Type.Object({
      client_secret: Type.String(),
      /** Needless since addresses are proven by the homeserver itself. */
      id_server: Type.Optional(Type.String()),
      id_access_token: Type.Optional(Type.String()),
      sid: Type.String(),
    }),
  }),
  response: Type.Object({ submit_url: Type.Optional(Type.String()) }),
  errors: ['M_THREEPID_AUTH_FAILED'],
  deprecated: true,
});

/**
 * Adds contact information to the user's account.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3account3pidadd
 */
export const add3PID = endpoint({
  id: 'add3PID',
  method: 'POST',
  path: '/_matrix/client/v3/account/3pid/add',
  auth: 'access-token',
  body: Type.Object({ auth: Type.Optional(AuthenticationDataSchema), client_secret: Type.String(), sid: Type.String() }),
  response: EmptySchema,
});

/**
 * Binds a 3PID to the user's account through an Identity Service.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3account3pidbind
 */
export const bind3PID = endpoint({
  id: 'bind3PID',
  method: 'POST',
  path: '/_matrix/client/v3/account/3pid/bind',
  alsoAt: ['/_matrix/client/unstable/account/3pid/bind'],
  auth: 'access-token',
  body: Type.Object({
    client_secret: Type.String(),
    id_server: Type.String(),
    id_access_token: Type.Optional(Type.String()),
    sid: Type.String(),
  }),
  response: EmptySchema,
});

/**
 * Deletes a third-party identifier from the user's account.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3account3piddelete
 */
export const delete3pidFromAccount = endpoint({
  id: 'delete3pidFromAccount',
  method: 'POST',
  path: '/_matrix/client/v3/account/3pid/delete',
  auth: 'access-token',
  body: BoundAddressSchema,
  response: UnbindResultSchema,
});

/**
 * Begins the validation process for an email address for association with the user's account.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3account3pidemailrequesttoken
 */
export const requestTokenTo3PIDEmail = endpoint({
  id: 'requestTokenTo3PIDEmail',
  method: 'POST',
  path: '/_matrix/client/v3/account/3pid/email/requestToken',
  auth: 'none',
  body: EmailTokenRequestSchema,
  response: TokenSessionSchema,
  errors: ['M_THREEPID_IN_USE', 'M_SERVER_NOT_TRUSTED', 'M_THREEPID_MEDIUM_NOT_SUPPORTED', 'M_INVALID_PARAM', 'M_THREEPID_DENIED'],
  rateLimit: 'mail',
});

/**
 * Begins the validation process for a phone number for association with the user's account.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3account3pidmsisdnrequesttoken
 */
export const requestTokenTo3PIDMSISDN = endpoint({
  id: 'requestTokenTo3PIDMSISDN',
  method: 'POST',
  path: '/_matrix/client/v3/account/3pid/msisdn/requestToken',
  auth: 'none',
  body: PhoneTokenRequestSchema,
  response: TokenSessionSchema,
  errors: ['M_THREEPID_IN_USE', 'M_SERVER_NOT_TRUSTED', 'M_THREEPID_MEDIUM_NOT_SUPPORTED', 'M_INVALID_PARAM', 'M_THREEPID_DENIED'],
  rateLimit: 'mail',
});

/**
 * Removes a user's third-party identifier from an identity server.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3account3pidunbind
 */
export const unbind3pidFromAccount = endpoint({
  id: 'unbind3pidFromAccount',
  method: 'POST',
  path: '/_matrix/client/v3/account/3pid/unbind',
  alsoAt: ['/_matrix/client/unstable/account/3pid/unbind'],
  auth: 'access-token',
  body: BoundAddressSchema,
  response: UnbindResultSchema,
});
