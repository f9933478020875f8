import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema } from '../schemas/json.ts';

/** Report a room as inappropriate. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidreport */
export const reportRoom = endpoint({
  id: 'reportRoom',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/report',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc4151/rooms/:roomId/report'],
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: Type.Object({ reason: Type.String() }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'v1.13',
});

/**
 * Report an event in a joined room as inappropriate.
 * https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidreporteventid
 */
export const reportEvent = endpoint({
  id: 'reportEvent',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/report/:eventId',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  /** `score`, from -100 to 0, is of releases before v1.18. */
  body: Type.Object({ reason: Type.Optional(Type.String()), score: Type.Optional(Type.Integer({ minimum: -100, maximum: 100 })) }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
});

/** Report a user as inappropriate. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3usersuseridreport */
export const reportUser = endpoint({
  id: 'reportUser',
  method: 'POST',
  path: '/_matrix/client/v3/users/:userId/report',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc4260/users/:userId/report'],
  auth: 'access-token',
  params: Type.Object({ userId: UserIdSchema }),
  body: Type.Object({ reason: Type.String() }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'v1.14',
});
