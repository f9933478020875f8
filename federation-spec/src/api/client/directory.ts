import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomAliasSchema, RoomIdSchema, ServerNameSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import { QueryCountSchema } from '../schemas/query.ts';
import { PublicRoomsSchema, PublicRoomsSearchSchema, VisibilitySchema } from '../schemas/room-directory.ts';

/**
 * Gets the visibility of a room in the directory.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3directorylistroomroomid
 */
export const getRoomVisibilityOnDirectory = endpoint({
  id: 'getRoomVisibilityOnDirectory',
  method: 'GET',
  path: '/_matrix/client/v3/directory/list/room/:roomId',
  auth: 'none',
  params: Type.Object({ roomId: RoomIdSchema }),
  response: Type.Object({ visibility: VisibilitySchema }),
  errors: ['M_NOT_FOUND'],
});

/**
 * Sets the visibility of a room in the directory.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3directorylistroomroomid
 */
export const setRoomVisibilityOnDirectory = endpoint({
  id: 'setRoomVisibilityOnDirectory',
  method: 'PUT',
  path: '/_matrix/client/v3/directory/list/room/:roomId',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: Type.Object({ visibility: Type.Optional(VisibilitySchema) }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Remove a mapping of room alias to room ID.
 * https://spec.matrix.org/latest/client-server-api/#delete_matrixclientv3directoryroomroomalias
 */
export const deleteRoomAlias = endpoint({
  id: 'deleteRoomAlias',
  method: 'DELETE',
  path: '/_matrix/client/v3/directory/room/:roomAlias',
  auth: 'access-token',
  params: Type.Object({ roomAlias: RoomAliasSchema }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
});

/**
 * Get the room ID corresponding to this room alias.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3directoryroomroomalias
 */
export const getRoomIdByAlias = endpoint({
  id: 'getRoomIdByAlias',
  method: 'GET',
  path: '/_matrix/client/v3/directory/room/:roomAlias',
  auth: 'none',
  params: Type.Object({ roomAlias: RoomAliasSchema }),
  response: Type.Object({ room_id: RoomIdSchema, servers: Type.Array(ServerNameSchema) }),
  errors: ['M_INVALID_PARAM', 'M_NOT_FOUND'],
});

/**
 * Create a new mapping from room alias to room ID.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3directoryroomroomalias
 */
export const setRoomAlias = endpoint({
  id: 'setRoomAlias',
  method: 'PUT',
  path: '/_matrix/client/v3/directory/room/:roomAlias',
  auth: 'access-token',
  params: Type.Object({ roomAlias: RoomAliasSchema }),
  body: Type.Object({ room_id: RoomIdSchema }),
  response: EmptySchema,
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN'],
});

/** Lists a server's published room directory. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3publicrooms */
export const getPublicRooms = endpoint({
  id: 'getPublicRooms',
  method: 'GET',
  path: '/_matrix/client/v3/publicRooms',
  auth: 'none',
  query: Type.Object({
    limit: Type.Optional(QueryCountSchema),
    since: Type.Optional(Type.String()),
    server: Type.Optional(ServerNameSchema),
  }),
  response: PublicRoomsSchema,
  rateLimit: 'search',
});

/**
 * Lists a server's published room directory with an optional filter.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3publicrooms
 */
export const queryPublicRooms = endpoint({
  id: 'queryPublicRooms',
  method: 'POST',
  path: '/_matrix/client/v3/publicRooms',
  auth: 'access-token',
  query: Type.Object({ server: Type.Optional(ServerNameSchema) }),
  body: PublicRoomsSearchSchema,
  response: PublicRoomsSchema,
  rateLimit: 'search',
});

/**
 * Get a list of local aliases on a given room.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3roomsroomidaliases
 */
export const getLocalAliases = endpoint({
  id: 'getLocalAliases',
  method: 'GET',
  path: '/_matrix/client/v3/rooms/:roomId/aliases',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc2432/rooms/:roomId/aliases'],
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  response: Type.Object({ aliases: Type.Array(RoomAliasSchema) }),
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN'],
});
