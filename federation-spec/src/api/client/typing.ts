import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';

/**
 * Informs the server that the user has started or stopped typing.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidtypinguserid
 */
export const setTyping = endpoint({
  id: 'setTyping',
  method: 'PUT',
  path: '/_matrix/client/v3/rooms/:roomId/typing/:userId',
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema, roomId: RoomIdSchema }),
  body: Type.Object({ typing: Type.Boolean(), timeout: Type.Optional(Type.Integer()) }),
  response: EmptySchema,
});
