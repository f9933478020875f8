import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { JsonObjectSchema } from '../schemas/json.ts';
import { QueryCountSchema } from '../schemas/query.ts';

const ROOMS = 'https://element-hq.github.io/synapse/latest/admin_api/rooms.html';
const params = Type.Object({ roomId: RoomIdSchema });
const TextOrNullSchema = Type.Union([Type.String(), Type.Null()]);

const RoomSummarySchema = Type.Object({
  room_id: RoomIdSchema,
  name: TextOrNullSchema,
  canonical_alias: TextOrNullSchema,
  joined_members: Type.Integer(),
  joined_local_members: Type.Integer(),
  version: Type.String(),
  creator: TextOrNullSchema,
  encryption: TextOrNullSchema,
  federatable: Type.Boolean(),
  public: Type.Boolean(),
  join_rules: TextOrNullSchema,
  guest_access: TextOrNullSchema,
  history_visibility: TextOrNullSchema,
  state_events: Type.Integer(),
  room_type: TextOrNullSchema,
});

/** The rooms this server knows, page by page. */
export const listRooms = endpoint({
  id: 'listRooms',
  method: 'GET',
  path: '/_synapse/admin/v1/rooms',
  auth: 'access-token',
  query: Type.Object({
    from: Type.Optional(QueryCountSchema),
    limit: Type.Optional(QueryCountSchema),
    order_by: Type.Optional(
      Type.Enum(['name', 'alphabetical', 'size', 'canonical_alias', 'joined_members', 'joined_local_members', 'version', 'state_events']),
    ),
    dir: Type.Optional(Type.Enum(['f', 'b'])),
    search_term: Type.Optional(Type.String({ minLength: 1 })),
  }),
  response: Type.Object({
    rooms: Type.Array(RoomSummarySchema),
    offset: Type.Integer(),
    total_rooms: Type.Integer(),
    next_batch: Type.Optional(Type.Integer()),
    prev_batch: Type.Optional(Type.Integer()),
  }),
  since: 'unstable',
  spec: ROOMS,
});

/** One room. */
export const getRoom = endpoint({
  id: 'getRoom',
  method: 'GET',
  path: '/_synapse/admin/v1/rooms/:roomId',
  auth: 'access-token',
  params,
  response: Type.Object({ ...RoomSummarySchema.properties, topic: TextOrNullSchema, avatar: TextOrNullSchema }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: ROOMS,
});

/** Who is in a room. */
export const listRoomMembers = endpoint({
  id: 'listRoomMembers',
  method: 'GET',
  path: '/_synapse/admin/v1/rooms/:roomId/members',
  auth: 'access-token',
  params,
  response: Type.Object({ members: Type.Array(UserIdSchema), total: Type.Integer() }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: ROOMS,
});

/** The state of a room. */
export const listRoomState = endpoint({
  id: 'listRoomState',
  method: 'GET',
  path: '/_synapse/admin/v1/rooms/:roomId/state',
  auth: 'access-token',
  params,
  response: Type.Object({ state: Type.Array(JsonObjectSchema) }),
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: ROOMS,
});

/** Has somebody of this server join a room. */
export const joinUserToRoom = endpoint({
  id: 'joinUserToRoom',
  method: 'POST',
  path: '/_synapse/admin/v1/join/:roomIdOrAlias',
  auth: 'access-token',
  params: Type.Object({ roomIdOrAlias: Type.String() }),
  body: Type.Object({ user_id: UserIdSchema }),
  response: Type.Object({ room_id: RoomIdSchema }),
  errors: ['M_NOT_FOUND', 'M_FORBIDDEN', 'M_INVALID_PARAM'],
  since: 'unstable',
  spec: 'https://element-hq.github.io/synapse/latest/admin_api/room_membership.html',
});
