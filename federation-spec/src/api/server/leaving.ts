import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';
import { EventTemplateSchema, PduSchema } from '../schemas/pdus.ts';

/**
 * Get information required to make a leave event for a room.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1make_leaveroomiduserid
 */
export const makeLeave = endpoint({
  id: 'makeLeave',
  method: 'GET',
  path: '/_matrix/federation/v1/make_leave/:roomId/:userId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, userId: UserIdSchema }),
  response: EventTemplateSchema,
  errors: ['M_FORBIDDEN'],
  rateLimit: 'federation',
});

/**
 * Submit a signed leave event to a resident server.
 * https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv2send_leaveroomideventid
 */
export const sendLeaveV2 = endpoint({
  id: 'sendLeaveV2',
  method: 'PUT',
  path: '/_matrix/federation/v2/send_leave/:roomId/:eventId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  body: PduSchema,
  response: EmptySchema,
  errors: ['M_INVALID_PARAM'],
  rateLimit: 'federation',
});

/**
 * Submit a signed leave event, as servers did before v1.18; the answer is a pair of 200 and an empty object.
 * https://spec.matrix.org/v1.17/server-server-api/#put_matrixfederationv1send_leaveroomideventid
 */
export const sendLeaveV1 = endpoint({
  id: 'sendLeaveV1',
  method: 'PUT',
  path: '/_matrix/federation/v1/send_leave/:roomId/:eventId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  body: PduSchema,
  response: Type.Tuple([Type.Literal(200), EmptySchema]),
  errors: ['M_INVALID_PARAM'],
  rateLimit: 'federation',
  deprecated: true,
  spec: 'https://spec.matrix.org/v1.17/server-server-api/#put_matrixfederationv1send_leaveroomideventid',
});
