import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema, mapOf } from '../schemas/json.ts';

/** List the tags for a room. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3useruseridroomsroomidtags */
export const getRoomTags = endpoint({
  id: 'getRoomTags',
  method: 'GET',
  path: '/_matrix/client/v3/user/:userId/rooms/:roomId/tags',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, roomId: RoomIdSchema }),
  response: Type.Object({ tags: Type.Optional(mapOf(Type.Object({ order: Type.Optional(Type.Number()) }))) }),
});

/**
 * Remove a tag from the room.
 * https://spec.matrix.org/latest/client-server-api/#delete_matrixclientv3useruseridroomsroomidtagstag
 */
export const deleteRoomTag = endpoint({
  id: 'deleteRoomTag',
  method: 'DELETE',
  path: '/_matrix/client/v3/user/:userId/rooms/:roomId/tags/:tag',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, roomId: RoomIdSchema, tag: Type.String() }),
  response: EmptySchema,
});

/** Add a tag to a room. https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3useruseridroomsroomidtagstag */
export const setRoomTag = endpoint({
  id: 'setRoomTag',
  method: 'PUT',
  path: '/_matrix/client/v3/user/:userId/rooms/:roomId/tags/:tag',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, roomId: RoomIdSchema, tag: Type.String() }),
  body: Type.Object({ order: Type.Optional(Type.Number()) }),
  response: EmptySchema,
});
