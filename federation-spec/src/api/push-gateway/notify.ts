import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomAliasSchema, RoomIdSchema, TimestampSchema } from '../schemas/ids.ts';
import { JsonObjectSchema } from '../schemas/json.ts';

/** Notify a push gateway about an event. https://spec.matrix.org/latest/push-gateway-api/#post_matrixpushv1notify */
export const notify = endpoint({
  id: 'notify',
  method: 'POST',
  path: '/_matrix/push/v1/notify',
  auth: 'none',
  body: Type.Object({
    notification: Type.Object({
      event_id: Type.Optional(EventIdSchema),
      room_id: Type.Optional(RoomIdSchema),
      type: Type.Optional(Type.String()),
      sender: Type.Optional(Type.String()),
      sender_display_name: Type.Optional(Type.String()),
      room_name: Type.Optional(Type.String()),
      room_alias: Type.Optional(RoomAliasSchema),
      user_is_target: Type.Optional(Type.Boolean()),
      prio: Type.Optional(Type.Enum(['high', 'low'])),
      content: Type.Optional(JsonObjectSchema),
      counts: Type.Optional(Type.Object({ unread: Type.Optional(Type.Integer()), missed_calls: Type.Optional(Type.Integer()) })),
      devices: Type.Array(
        Type.Object({
          app_id: Type.String(),
          pushkey: Type.String(),
          pushkey_ts: Type.Optional(TimestampSchema),
          data: Type.Optional(Type.Object({ format: Type.Optional(Type.String()) })),
          tweaks: Type.Optional(JsonObjectSchema),
        }),
      ),
    }),
  }),
  response: Type.Object({ rejected: Type.Array(Type.String()) }),
  rateLimit: 'none',
});
