import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EventTemplateSchema, PduSchema } from '../schemas/pdus.ts';
import { QueryListSchema } from '../schemas/query.ts';

/**
 * Get information required to make a knock event for a room.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1make_knockroomiduserid
 */
export const makeKnock = endpoint({
  id: 'makeKnock',
  method: 'GET',
  path: '/_matrix/federation/v1/make_knock/:roomId/:userId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, userId: UserIdSchema }),
  query: Type.Object({ ver: QueryListSchema }),
  response: EventTemplateSchema,
  errors: ['M_INCOMPATIBLE_ROOM_VERSION', 'M_FORBIDDEN', 'M_NOT_FOUND'],
  rateLimit: 'federation',
});

/**
 * Submit a signed knock event to a resident server.
 * https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv1send_knockroomideventid
 */
export const sendKnock = endpoint({
  id: 'sendKnock',
  method: 'PUT',
  path: '/_matrix/federation/v1/send_knock/:roomId/:eventId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  body: PduSchema,
  response: Type.Object({ knock_room_state: Type.Array(PduSchema) }),
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN', 'M_NOT_FOUND'],
  rateLimit: 'federation',
});
