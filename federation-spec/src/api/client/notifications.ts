import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClientEventWithoutRoomIdSchema } from '../schemas/events.ts';
import { RoomIdSchema, TimestampSchema } from '../schemas/ids.ts';
import { PushActionSchema } from '../schemas/push-rules.ts';
import { QueryCountSchema } from '../schemas/query.ts';

/**
 * Gets a list of events that the user has been notified about.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3notifications
 */
export const getNotifications = endpoint({
  id: 'getNotifications',
  method: 'GET',
  path: '/_matrix/client/v3/notifications',
  auth: 'access-token',
  query: Type.Object({ from: Type.Optional(Type.String()), limit: Type.Optional(QueryCountSchema), only: Type.Optional(Type.String()) }),
  response: Type.Object({
    next_token: Type.Optional(Type.String()),
    notifications: Type.Array(
      Type.Object({
        actions: Type.Array(PushActionSchema),
        event: ClientEventWithoutRoomIdSchema,
        profile_tag: Type.Optional(Type.String()),
        read: Type.Boolean(),
        room_id: RoomIdSchema,
        ts: TimestampSchema,
      }),
    ),
  }),
});
