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
  params: Type.Object({ roomId: RoomIdSchema, eventId: Type.Optional(Type.String()) }),
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

const ROOMS = 'https://element-hq.github.io/synapse/latest/admin_api/rooms.html';
const DeletedRoomSchema = Type.Object({
  kicked_users: Type.Array(UserIdSchema),
  failed_to_kick_users: Type.Array(UserIdSchema),
  local_aliases: Type.Array(Type.String()),
  new_room_id: Type.Union([RoomIdSchema, Type.Null()]),
});
const DeleteStatusSchema = Type.Object({
  status: Type.Enum(['purging', 'complete', 'failed']),
  error: Type.Optional(Type.String()),
  shutdown_room: Type.Optional(DeletedRoomSchema),
});

/** Sets the removal of a room going; how far it got is asked later. */
export const deleteRoomLater = endpoint({
  id: 'deleteRoomLater',
  method: 'DELETE',
  path: '/_synapse/admin/v2/rooms/:roomId',
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
  response: Type.Object({ delete_id: Type.String() }),
  since: 'unstable',
  spec: ROOMS,
});

/** How far the removals of a room have got. */
export const getRoomDeleteStatus = endpoint({
  id: 'getRoomDeleteStatus',
  method: 'GET',
  path: '/_synapse/admin/v2/rooms/:roomId/delete_status',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  response: Type.Object({ results: Type.Array(Type.Object({ delete_id: Type.String(), ...DeleteStatusSchema.properties })) }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: ROOMS,
});

/** How far one removal has got. */
export const getDeleteStatus = endpoint({
  id: 'getDeleteStatus',
  method: 'GET',
  path: '/_synapse/admin/v2/rooms/delete_status/:deleteId',
  auth: 'access-token',
  params: Type.Object({ deleteId: Type.String() }),
  response: DeleteStatusSchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: ROOMS,
});

/** Whether our users are kept out of a room, and by whom. */
export const getRoomBlock = endpoint({
  id: 'getRoomBlock',
  method: 'GET',
  path: '/_synapse/admin/v1/rooms/:roomId/block',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  response: Type.Object({ block: Type.Boolean(), user_id: Type.Optional(UserIdSchema) }),
  since: 'unstable',
  spec: ROOMS,
});

/** Keeps our users out of a room, or lets them in again. */
export const setRoomBlock = endpoint({
  id: 'setRoomBlock',
  method: 'PUT',
  path: '/_synapse/admin/v1/rooms/:roomId/block',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: Type.Object({ block: Type.Boolean() }),
  response: Type.Object({ block: Type.Boolean() }),
  since: 'unstable',
  spec: ROOMS,
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
