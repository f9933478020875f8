import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema, JsonObjectSchema } from '../schemas/json.ts';

/**
 * Get some account data for the user.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3useruseridaccount_datatype
 */
export const getAccountData = endpoint({
  id: 'getAccountData',
  method: 'GET',
  path: '/_matrix/client/v3/user/:userId/account_data/:type',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, type: Type.String() }),
  response: JsonObjectSchema,
  errors: ['M_FORBIDDEN', 'M_NOT_FOUND'],
});

/**
 * Set some account data for the user.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3useruseridaccount_datatype
 */
export const setAccountData = endpoint({
  id: 'setAccountData',
  method: 'PUT',
  path: '/_matrix/client/v3/user/:userId/account_data/:type',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, type: Type.String() }),
  body: JsonObjectSchema,
  response: EmptySchema,
  errors: ['M_FORBIDDEN'],
});

/**
 * Get some account data for the user that is specific to a room.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3useruseridroomsroomidaccount_datatype
 */
export const getAccountDataPerRoom = endpoint({
  id: 'getAccountDataPerRoom',
  method: 'GET',
  path: '/_matrix/client/v3/user/:userId/rooms/:roomId/account_data/:type',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, roomId: RoomIdSchema, type: Type.String() }),
  response: JsonObjectSchema,
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN', 'M_NOT_FOUND'],
});

/**
 * Set some account data for the user that is specific to a room.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3useruseridroomsroomidaccount_datatype
 */
export const setAccountDataPerRoom = endpoint({
  id: 'setAccountDataPerRoom',
  method: 'PUT',
  path: '/_matrix/client/v3/user/:userId/rooms/:roomId/account_data/:type',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, roomId: RoomIdSchema, type: Type.String() }),
  body: JsonObjectSchema,
  response: EmptySchema,
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN'],
});

/** Remove some account data of the user. https://github.com/matrix-org/matrix-spec-proposals/pull/3391 */
export const deleteAccountData = endpoint({
  id: 'deleteAccountData',
  method: 'DELETE',
  path: '/_matrix/client/unstable/org.matrix.msc3391/user/:userId/account_data/:type',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, type: Type.String() }),
  response: EmptySchema,
  errors: ['M_FORBIDDEN'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/3391',
});

/** Remove some account data of the user that is specific to a room. https://github.com/matrix-org/matrix-spec-proposals/pull/3391 */
export const deleteAccountDataPerRoom = endpoint({
  id: 'deleteAccountDataPerRoom',
  method: 'DELETE',
  path: '/_matrix/client/unstable/org.matrix.msc3391/user/:userId/rooms/:roomId/account_data/:type',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, roomId: RoomIdSchema, type: Type.String() }),
  response: EmptySchema,
  errors: ['M_FORBIDDEN'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/3391',
});
