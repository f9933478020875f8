import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema, TimestampSchema, UserIdSchema } from '../schemas/ids.ts';
import { EmptySchema, JsonObjectSchema } from '../schemas/json.ts';
import { QueryCountSchema } from '../schemas/query.ts';

/*
 * The few calls of Synapse's admin API that existing tools and test suites make of any homeserver, beside registration by shared secret.
 */

const PURGE = 'https://element-hq.github.io/synapse/latest/admin_api/purge_history_api.html';

/** Removes a room's history up to an event or a time. */
export const purgeHistory = endpoint({
  id: 'purgeHistory',
  method: 'POST',
  path: '/_synapse/admin/v1/purge_history/:roomId',
  alsoAt: ['/_synapse/admin/v1/purge_history/:roomId/:eventId'],
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema, eventId: Type.Optional(EventIdSchema) }),
  body: Type.Object({
    delete_local_events: Type.Optional(Type.Boolean()),
    purge_up_to_event_id: Type.Optional(EventIdSchema),
    purge_up_to_ts: Type.Optional(TimestampSchema),
  }),
  response: Type.Object({ purge_id: Type.String() }),
  since: 'unstable',
  spec: PURGE,
});

/** How far that removal has got. */
export const getPurgeHistoryStatus = endpoint({
  id: 'getPurgeHistoryStatus',
  method: 'GET',
  path: '/_synapse/admin/v1/purge_history_status/:purgeId',
  auth: 'access-token',
  params: Type.Object({ purgeId: Type.String() }),
  response: Type.Object({ status: Type.Enum(['active', 'complete', 'failed']), error: Type.Optional(Type.String()) }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: PURGE,
});

/** Removes a room from this server, and our users from the room. */
export const deleteRoom = endpoint({
  id: 'deleteRoom',
  method: 'DELETE',
  path: '/_synapse/admin/v1/rooms/:roomId',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: Type.Object({
    block: Type.Optional(Type.Boolean()),
    purge: Type.Optional(Type.Boolean()),
    force_purge: Type.Optional(Type.Boolean()),
    message: Type.Optional(Type.String()),
    new_room_user_id: Type.Optional(UserIdSchema),
    room_name: Type.Optional(Type.String()),
  }),
  response: Type.Object({
    kicked_users: Type.Array(UserIdSchema),
    failed_to_kick_users: Type.Array(UserIdSchema),
    local_aliases: Type.Array(Type.String()),
    new_room_id: Type.Union([RoomIdSchema, Type.Null()]),
  }),
  since: 'unstable',
  spec: 'https://element-hq.github.io/synapse/latest/admin_api/rooms.html#delete-room-api',
});

const REPORTS = 'https://element-hq.github.io/synapse/latest/admin_api/event_reports.html';
const EventReportSchema = Type.Object({
  id: Type.Integer(),
  received_ts: TimestampSchema,
  room_id: Type.Union([RoomIdSchema, Type.Null()]),
  event_id: Type.Union([EventIdSchema, Type.Null()]),
  user_id: UserIdSchema,
  reason: Type.Union([Type.String(), Type.Null()]),
  score: Type.Union([Type.Integer(), Type.Null()]),
  sender: Type.Union([UserIdSchema, Type.Null()]),
});

/** What people have reported of events. */
export const listEventReports = endpoint({
  id: 'listEventReports',
  method: 'GET',
  path: '/_synapse/admin/v1/event_reports',
  auth: 'access-token',
  query: Type.Object({
    from: Type.Optional(QueryCountSchema),
    limit: Type.Optional(QueryCountSchema),
    dir: Type.Optional(Type.Enum(['b', 'f'])),
    user_id: Type.Optional(Type.String()),
    room_id: Type.Optional(Type.String()),
  }),
  response: Type.Object({ event_reports: Type.Array(EventReportSchema), total: Type.Integer(), next_token: Type.Optional(Type.Integer()) }),
  since: 'unstable',
  spec: REPORTS,
});

/** One report, with the event. */
export const getEventReport = endpoint({
  id: 'getEventReport',
  method: 'GET',
  path: '/_synapse/admin/v1/event_reports/:reportId',
  auth: 'access-token',
  params: Type.Object({ reportId: Type.String() }),
  response: Type.Object({ ...EventReportSchema.properties, event_json: JsonObjectSchema }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: REPORTS,
});

/** Forgets a report that has been dealt with. */
export const deleteEventReport = endpoint({
  id: 'deleteEventReport',
  method: 'DELETE',
  path: '/_synapse/admin/v1/event_reports/:reportId',
  auth: 'access-token',
  params: Type.Object({ reportId: Type.String() }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: REPORTS,
});
