import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomAliasSchema, RoomIdSchema, ServerNameSchema, UserIdSchema } from '../schemas/ids.ts';
import { JsonObjectSchema } from '../schemas/json.ts';
import { ProfileSchema } from '../schemas/users.ts';

/**
 * Query for the room ID and resident homeservers for a room alias.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1querydirectory
 */
export const queryRoomDirectory = endpoint({
  id: 'queryRoomDirectory',
  method: 'GET',
  path: '/_matrix/federation/v1/query/directory',
  auth: 'federation',
  query: Type.Object({ room_alias: RoomAliasSchema }),
  response: Type.Object({ room_id: RoomIdSchema, servers: Type.Array(ServerNameSchema) }),
  errors: ['M_NOT_FOUND'],
  rateLimit: 'federation',
});

/**
 * Query for profile information about a given user.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1queryprofile
 */
export const queryProfile = endpoint({
  id: 'queryProfile',
  method: 'GET',
  path: '/_matrix/federation/v1/query/profile',
  auth: 'federation',
  query: Type.Object({ user_id: UserIdSchema, field: Type.Optional(Type.String()) }),
  response: ProfileSchema,
  errors: ['M_FORBIDDEN', 'M_NOT_FOUND'],
  rateLimit: 'federation',
});

/** Query for other kinds of information. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1queryquerytype */
export const queryInfo = endpoint({
  id: 'queryInfo',
  method: 'GET',
  path: '/_matrix/federation/v1/query/:queryType',
  auth: 'federation',
  params: Type.Object({ queryType: Type.String() }),
  response: JsonObjectSchema,
  rateLimit: 'federation',
});
