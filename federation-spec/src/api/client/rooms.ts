import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { MembershipSchema } from '../schemas/events.ts';
import { RoomIdOrAliasSchema, RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { JsonObjectSchema } from '../schemas/json.ts';
import { QueryListSchema } from '../schemas/query.ts';
import { RoomSummarySchema, VisibilitySchema } from '../schemas/room-directory.ts';
import { ThirdPartyInviteSchema } from '../schemas/third-party-identifiers.ts';

/** Retrieves a summary for a room. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1room_summaryroomidoralias */
export const getRoomSummary = endpoint({
  id: 'getRoomSummary',
  method: 'GET',
  path: '/_matrix/client/v1/room_summary/:roomIdOrAlias',
  alsoAt: [
    '/_matrix/client/unstable/im.nheko.summary/rooms/:roomIdOrAlias/summary',
    '/_matrix/client/unstable/im.nheko.summary/summary/:roomIdOrAlias',
  ],
  auth: 'optional-access-token',
  params: Type.Object({ roomIdOrAlias: RoomIdOrAliasSchema }),
  query: Type.Object({ via: Type.Optional(QueryListSchema) }),
  response: Type.Object({
    ...RoomSummarySchema.properties,
    membership: Type.Optional(MembershipSchema),
  }),
  errors: ['M_NOT_FOUND'],
  since: 'v1.15',
});

/** Create a new room. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3createroom */
export const createRoom = endpoint({
  id: 'createRoom',
  method: 'POST',
  path: '/_matrix/client/v3/createRoom',
  auth: 'access-token',
  body: Type.Object({
    visibility: Type.Optional(VisibilitySchema),
    /** The local part alone. */
    room_alias_name: Type.Optional(Type.String()),
    name: Type.Optional(Type.String()),
    topic: Type.Optional(Type.String()),
    invite: Type.Optional(Type.Array(UserIdSchema)),
    invite_3pid: Type.Optional(Type.Array(ThirdPartyInviteSchema)),
    room_version: Type.Optional(Type.String()),
    creation_content: Type.Optional(JsonObjectSchema),
    initial_state: Type.Optional(
      Type.Array(Type.Object({ type: Type.String(), state_key: Type.Optional(Type.String()), content: JsonObjectSchema })),
    ),
    preset: Type.Optional(Type.Enum(['private_chat', 'public_chat', 'trusted_private_chat'])),
    is_direct: Type.Optional(Type.Boolean()),
    power_level_content_override: Type.Optional(JsonObjectSchema),
  }),
  /** `room_alias` is of the first releases, and is what was asked for. */
  response: Type.Object({ room_id: RoomIdSchema, room_alias: Type.Optional(Type.String()) }),
  errors: ['M_ROOM_IN_USE', 'M_INVALID_ROOM_STATE', 'M_UNSUPPORTED_ROOM_VERSION', 'M_INVITE_BLOCKED'],
  rateLimit: 'invite',
});

/** Upgrades a room to a new room version. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3roomsroomidupgrade */
export const upgradeRoom = endpoint({
  id: 'upgradeRoom',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/upgrade',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: Type.Object({ new_version: Type.String(), additional_creators: Type.Optional(Type.Array(UserIdSchema)) }),
  response: Type.Object({ replacement_room: RoomIdSchema }),
  errors: ['M_UNSUPPORTED_ROOM_VERSION', 'M_FORBIDDEN'],
});
