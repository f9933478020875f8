import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';

/**
 * Set the position of the read marker for a room.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidread_markers
 */
export const setReadMarker = endpoint({
  id: 'setReadMarker',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/read_markers',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: Type.Object({
    'm.fully_read': Type.Optional(EventIdSchema),
    'm.read': Type.Optional(EventIdSchema),
    'm.read.private': Type.Optional(EventIdSchema),
  }),
  response: EmptySchema,
});

/**
 * Send a receipt for the given event ID.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
 */
export const postReceipt = endpoint({
  id: 'postReceipt',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/receipt/:receiptType/:eventId',
  auth: 'access-token',
  params: Type.Object({
    roomId: RoomIdSchema,
    receiptType: Type.Enum(['m.read', 'm.read.private', 'm.fully_read']),
    eventId: EventIdSchema,
  }),
  body: Type.Object({ thread_id: Type.Optional(Type.String()) }),
  response: EmptySchema,
  errors: ['M_INVALID_PARAM'],
});
