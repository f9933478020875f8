import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema, mapOf } from '../schemas/json.ts';

/** Where a room stands among those with the same tag, from 0 to 1. */
const TagSchema = Type.Object({ order: Type.Optional(Type.Number()) });

/** List the tags for a room. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3useruseridroomsroomidtags */
export const getRoomTags = endpoint({
  id: 'getRoomTags',
  method: 'GET',
  path: '/_matrix/client/v3/user/:userId/rooms/:roomId/tags',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, roomId: RoomIdSchema }),
  response: Type.Object({ tags: mapOf(TagSchema) }),
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
  body: TagSchema,
  response: EmptySchema,
});
