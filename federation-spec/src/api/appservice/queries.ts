import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomAliasSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';

/**
 * Query if a room alias should exist on the application service.
 * https://spec.matrix.org/latest/application-service-api/#get_matrixappv1roomsroomalias
 */
export const queryRoomByAlias = endpoint({
  id: 'queryRoomByAlias',
  method: 'GET',
  path: '/_matrix/app/v1/rooms/:roomAlias',
  auth: 'homeserver',
  params: Type.Object({ roomAlias: RoomAliasSchema }),
  response: EmptySchema,
  rateLimit: 'none',
});

/**
 * Query if a user should exist on the application service.
 * https://spec.matrix.org/latest/application-service-api/#get_matrixappv1usersuserid
 */
export const queryUserById = endpoint({
  id: 'queryUserById',
  method: 'GET',
  path: '/_matrix/app/v1/users/:userId',
  auth: 'homeserver',
  params: Type.Object({ userId: UserIdSchema }),
  response: EmptySchema,
  rateLimit: 'none',
});
