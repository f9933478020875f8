import { type Static, Type } from 'typebox';
import { StrippedStateEventSchema } from './events.ts';
import { ContentUriSchema, RoomAliasSchema, RoomIdSchema, TimestampSchema } from './ids.ts';

/** A room in the published directory. https://spec.matrix.org/latest/client-server-api/#published-room-directory */
export const PublicRoomSchema = Type.Object({
  room_id: RoomIdSchema,
  num_joined_members: Type.Integer(),
  world_readable: Type.Boolean(),
  guest_can_join: Type.Boolean(),
  name: Type.Optional(Type.String()),
  topic: Type.Optional(Type.String()),
  canonical_alias: Type.Optional(RoomAliasSchema),
  avatar_url: Type.Optional(ContentUriSchema),
  /** `public` when absent. */
  join_rule: Type.Optional(Type.String()),
  room_type: Type.Optional(Type.String()),
});
export type PublicRoom = Static<typeof PublicRoomSchema>;

export const PublicRoomsSchema = Type.Object({
  chunk: Type.Array(PublicRoomSchema),
  next_batch: Type.Optional(Type.String()),
  prev_batch: Type.Optional(Type.String()),
  total_room_count_estimate: Type.Optional(Type.Integer()),
});
export type PublicRooms = Static<typeof PublicRoomsSchema>;

/** What to look for in the directory, from clients and servers alike; null among the types stands for ordinary rooms. */
export const PublicRoomsSearchSchema = Type.Object({
  limit: Type.Optional(Type.Integer()),
  since: Type.Optional(Type.String()),
  filter: Type.Optional(
    Type.Object({
      generic_search_term: Type.Optional(Type.String()),
      room_types: Type.Optional(Type.Array(Type.Union([Type.String(), Type.Null()]))),
    }),
  ),
  include_all_networks: Type.Optional(Type.Boolean()),
  third_party_instance_id: Type.Optional(Type.String()),
});

/** A room as someone sees it who may join it. https://spec.matrix.org/latest/client-server-api/#room-summaries */
export const RoomSummarySchema = Type.Object({
  ...PublicRoomSchema.properties,
  /** The rooms whose members may join, when the join rule is `restricted`. */
  allowed_room_ids: Type.Optional(Type.Array(RoomIdSchema)),
  encryption: Type.Optional(Type.String()),
  room_version: Type.Optional(Type.String()),
});
export type RoomSummary = Static<typeof RoomSummarySchema>;

/** A room in a space, with the `m.space.child` events that name its children. https://spec.matrix.org/latest/client-server-api/#spaces */
export const SpaceRoomSchema = Type.Object({
  ...RoomSummarySchema.properties,
  children_state: Type.Array(Type.Object({ ...StrippedStateEventSchema.properties, origin_server_ts: TimestampSchema })),
});
export type SpaceRoom = Static<typeof SpaceRoomSchema>;

export const VisibilitySchema = Type.Enum(['public', 'private']);
export type Visibility = Static<typeof VisibilitySchema>;
