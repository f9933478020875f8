import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { BasicEventSchema, ClientEventWithoutRoomIdSchema, StrippedStateEventSchema } from '../schemas/events.ts';
import { UserIdSchema } from '../schemas/ids.ts';
import { JsonObjectSchema, mapOf } from '../schemas/json.ts';
import { QueryBooleanSchema, QueryCountSchema } from '../schemas/query.ts';
import { PresenceStateSchema } from '../schemas/users.ts';

/**
 * Synchronise the client's state and receive new messages.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3sync
 */
export const sync = endpoint({
  id: 'sync',
  method: 'GET',
  path: '/_matrix/client/v3/sync',
  auth: 'access-token',
  guests: true,
  query: Type.Object({
    filter: Type.Optional(Type.String()),
    since: Type.Optional(Type.String()),
    full_state: Type.Optional(QueryBooleanSchema),
    set_presence: Type.Optional(PresenceStateSchema),
    timeout: Type.Optional(QueryCountSchema),
    use_state_after: Type.Optional(QueryBooleanSchema),
  }),
  response: Type.Object({
    next_batch: Type.String(),
    rooms: Type.Optional(
      Type.Object({
        join: Type.Optional(
          mapOf(
            Type.Object({
              summary: Type.Optional(
                Type.Object({
                  'm.heroes': Type.Optional(Type.Array(UserIdSchema)),
                  'm.joined_member_count': Type.Optional(Type.Integer()),
                  'm.invited_member_count': Type.Optional(Type.Integer()),
                }),
              ),
              state: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(ClientEventWithoutRoomIdSchema)) })),
              state_after: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(ClientEventWithoutRoomIdSchema)) })),
              timeline: Type.Optional(
                Type.Object({
                  limited: Type.Optional(Type.Boolean()),
                  prev_batch: Type.Optional(Type.String()),
                  events: Type.Array(ClientEventWithoutRoomIdSchema),
                }),
              ),
              ephemeral: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(BasicEventSchema)) })),
              account_data: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(BasicEventSchema)) })),
              unread_notifications: Type.Optional(
                Type.Object({ highlight_count: Type.Optional(Type.Integer()), notification_count: Type.Optional(Type.Integer()) }),
              ),
              unread_thread_notifications: Type.Optional(
                mapOf(Type.Object({ highlight_count: Type.Optional(Type.Integer()), notification_count: Type.Optional(Type.Integer()) })),
              ),
            }),
          ),
        ),
        invite: Type.Optional(
          mapOf(Type.Object({ invite_state: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(StrippedStateEventSchema)) })) })),
        ),
        knock: Type.Optional(
          mapOf(Type.Object({ knock_state: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(StrippedStateEventSchema)) })) })),
        ),
        leave: Type.Optional(
          mapOf(
            Type.Object({
              state: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(ClientEventWithoutRoomIdSchema)) })),
              state_after: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(ClientEventWithoutRoomIdSchema)) })),
              timeline: Type.Optional(
                Type.Object({
                  limited: Type.Optional(Type.Boolean()),
                  prev_batch: Type.Optional(Type.String()),
                  events: Type.Array(ClientEventWithoutRoomIdSchema),
                }),
              ),
              account_data: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(BasicEventSchema)) })),
            }),
          ),
        ),
      }),
    ),
    presence: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(BasicEventSchema)) })),
    account_data: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(BasicEventSchema)) })),
    to_device: Type.Optional(JsonObjectSchema),
    device_lists: Type.Optional(JsonObjectSchema),
    device_one_time_keys_count: Type.Optional(mapOf(Type.Integer())),
  }),
  rateLimit: 'none',
});
