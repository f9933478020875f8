import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { TimestampSchema, UserIdSchema } from '../schemas/ids.ts';
import { mapOf } from '../schemas/json.ts';

/**
 * Gets information about the locked status of a particular user.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1adminlockuserid
 */
export const getAdminLockUser = endpoint({
  id: 'getAdminLockUser',
  method: 'GET',
  path: '/_matrix/client/v1/admin/lock/:userId',
  alsoAt: ['/_matrix/client/unstable/uk.timedout.msc4323/admin/lock/:userId'],
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  response: Type.Object({ locked: Type.Boolean() }),
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN', 'M_NOT_FOUND'],
  since: 'v1.18',
});

/**
 * Set the locked status of a particular user.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv1adminlockuserid
 */
export const setAdminLockUser = endpoint({
  id: 'setAdminLockUser',
  method: 'PUT',
  path: '/_matrix/client/v1/admin/lock/:userId',
  alsoAt: ['/_matrix/client/unstable/uk.timedout.msc4323/admin/lock/:userId'],
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  body: Type.Object({ locked: Type.Boolean() }),
  response: Type.Object({ locked: Type.Boolean() }),
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN', 'M_NOT_FOUND'],
  since: 'v1.18',
});

/**
 * Gets information about the suspended status of a particular user.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1adminsuspenduserid
 */
export const getAdminSuspendUser = endpoint({
  id: 'getAdminSuspendUser',
  method: 'GET',
  path: '/_matrix/client/v1/admin/suspend/:userId',
  alsoAt: ['/_matrix/client/unstable/uk.timedout.msc4323/admin/suspend/:userId'],
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  response: Type.Object({ suspended: Type.Boolean() }),
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN', 'M_NOT_FOUND'],
  since: 'v1.18',
});

/**
 * Set the suspended status of a particular user.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv1adminsuspenduserid
 */
export const setAdminSuspendUser = endpoint({
  id: 'setAdminSuspendUser',
  method: 'PUT',
  path: '/_matrix/client/v1/admin/suspend/:userId',
  alsoAt: ['/_matrix/client/unstable/uk.timedout.msc4323/admin/suspend/:userId'],
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  body: Type.Object({ suspended: Type.Boolean() }),
  response: Type.Object({ suspended: Type.Boolean() }),
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN', 'M_NOT_FOUND'],
  since: 'v1.18',
});

const ConnectionSchema = Type.Object({
  ip: Type.Optional(Type.String()),
  last_seen: Type.Optional(TimestampSchema),
  user_agent: Type.Optional(Type.String()),
});
const SessionSchema = Type.Object({ connections: Type.Optional(Type.Array(ConnectionSchema)) });

/** Gets information about a particular user. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3adminwhoisuserid */
export const getWhoIs = endpoint({
  id: 'getWhoIs',
  method: 'GET',
  path: '/_matrix/client/v3/admin/whois/:userId',
  alsoAt: ['/_synapse/admin/v1/whois/:userId'],
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  response: Type.Object({
    user_id: UserIdSchema,
    /** By device id. */
    devices: mapOf(Type.Object({ sessions: Type.Optional(Type.Array(SessionSchema)) })),
  }),
});
