import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';

/**
 * Get the list of rooms that the user shares with another user.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1mutual_rooms
 */
export const getMutualRooms = endpoint({
  id: 'getMutualRooms',
  method: 'GET',
  path: '/_matrix/client/v1/mutual_rooms',
  alsoAt: ['/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms'],
  auth: 'access-token',
  query: Type.Object({ user_id: UserIdSchema, from: Type.Optional(Type.String()) }),
  response: Type.Object({ joined: Type.Array(RoomIdSchema), count: Type.Integer(), next_batch: Type.Optional(Type.String()) }),
  errors: ['M_INVALID_PARAM'],
  since: 'v1.19',
});
