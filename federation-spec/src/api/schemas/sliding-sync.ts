import { type Static, Type } from 'typebox';
import { BasicEventSchema, ClientEventWithoutRoomIdSchema, MembershipSchema, StrippedStateEventSchema } from './events.ts';
import { ContentUriSchema, UserIdSchema } from './ids.ts';
import { mapOf } from './json.ts';
import { DeviceListChangesSchema, ToDeviceEventSchema } from './sync.ts';
import { ThreadSubscriptionChangesSchema } from './thread-subscriptions.ts';

/*
 * Simplified sliding sync as clients in use speak it, below its unstable prefix: the accepted text of MSC4186 names things otherwise.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/4186
 */

/** An event type and a state key; `*` is any of them, and `$LAZY` and `$ME` stand for members. */
const RequiredStateSchema = Type.Array(Type.Tuple([Type.String(), Type.String()]));

/** How much of a room is wanted. */
const RoomDetailsSchema = Type.Object({
  timeline_limit: Type.Optional(Type.Integer({ minimum: 0 })),
  required_state: Type.Optional(RequiredStateSchema),
  include_heroes: Type.Optional(Type.Boolean()),
});

const RoomTypesSchema = Type.Array(Type.Union([Type.String(), Type.Null()]));

/** Which rooms a list holds; what is absent does not matter. */
export const SlidingSyncFiltersSchema = Type.Object({
  is_dm: Type.Optional(Type.Boolean()),
  is_encrypted: Type.Optional(Type.Boolean()),
  is_invite: Type.Optional(Type.Boolean()),
  room_types: Type.Optional(RoomTypesSchema),
  not_room_types: Type.Optional(RoomTypesSchema),
  room_name_like: Type.Optional(Type.String()),
  spaces: Type.Optional(Type.Array(Type.String())),
  tags: Type.Optional(Type.Array(Type.String())),
  not_tags: Type.Optional(Type.Array(Type.String())),
});
export type SlidingSyncFilters = Static<typeof SlidingSyncFiltersSchema>;

export const SlidingSyncListSchema = Type.Object({
  ...RoomDetailsSchema.properties,
  /** First and last place in the list, both included, counted from 0. */
  ranges: Type.Optional(Type.Array(Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ minimum: 0 })]))),
  filters: Type.Optional(SlidingSyncFiltersSchema),
});
export type SlidingSyncList = Static<typeof SlidingSyncListSchema>;

const SwitchSchema = Type.Object({ enabled: Type.Optional(Type.Boolean()) });

/** An extension that tells of rooms: of those in these lists and of these subscriptions; of all when absent. */
const RoomExtensionSchema = Type.Object({
  ...SwitchSchema.properties,
  lists: Type.Optional(Type.Array(Type.String())),
  rooms: Type.Optional(Type.Array(Type.String())),
});

export const SlidingSyncExtensionsSchema = Type.Object({
  to_device: Type.Optional(
    Type.Object({
      ...SwitchSchema.properties,
      limit: Type.Optional(Type.Integer({ minimum: 0 })),
      /** The `next_batch` of this extension's last answer: what came before may be forgotten. */
      since: Type.Optional(Type.String()),
    }),
  ),
  e2ee: Type.Optional(SwitchSchema),
  account_data: Type.Optional(RoomExtensionSchema),
  receipts: Type.Optional(RoomExtensionSchema),
  typing: Type.Optional(RoomExtensionSchema),
  'org.matrix.msc4354.sticky_events': Type.Optional(
    Type.Object({
      ...SwitchSchema.properties,
      limit: Type.Optional(Type.Integer({ minimum: 1 })),
      /** The `next_batch` of this extension's last answer. */
      since: Type.Optional(Type.String()),
    }),
  ),
  'io.element.msc4308.thread_subscriptions': Type.Optional(
    Type.Object({ ...SwitchSchema.properties, limit: Type.Optional(Type.Integer({ minimum: 0 })) }),
  ),
});
export type SlidingSyncExtensions = Static<typeof SlidingSyncExtensionsSchema>;

export const SlidingSyncRequestSchema = Type.Object({
  /** Tells apart the connections of one device. */
  conn_id: Type.Optional(Type.String()),
  txn_id: Type.Optional(Type.String()),
  /** By a name that the client chooses. */
  lists: Type.Optional(mapOf(SlidingSyncListSchema)),
  /** By room id. */
  room_subscriptions: Type.Optional(mapOf(RoomDetailsSchema)),
  extensions: Type.Optional(SlidingSyncExtensionsSchema),
});
export type SlidingSyncRequest = Static<typeof SlidingSyncRequestSchema>;

export const SlidingSyncRoomSchema = Type.Object({
  name: Type.Optional(Type.String()),
  avatar: Type.Optional(Type.Union([ContentUriSchema, Type.Null()])),
  heroes: Type.Optional(
    Type.Array(
      Type.Object({ user_id: UserIdSchema, displayname: Type.Optional(Type.String()), avatar_url: Type.Optional(ContentUriSchema) }),
    ),
  ),
  /** Whether this is all of the room, and not only what is new. */
  initial: Type.Optional(Type.Boolean()),
  is_dm: Type.Optional(Type.Boolean()),
  /** The lists that hold the room; absent when it is there by a subscription only. */
  lists: Type.Optional(Type.Array(Type.String())),
  membership: Type.Optional(MembershipSchema),
  /** Of a room the user is invited to or knocks at. */
  invite_state: Type.Optional(Type.Array(StrippedStateEventSchema)),
  required_state: Type.Optional(Type.Array(ClientEventWithoutRoomIdSchema)),
  timeline: Type.Optional(Type.Array(ClientEventWithoutRoomIdSchema)),
  prev_batch: Type.Optional(Type.String()),
  limited: Type.Optional(Type.Boolean()),
  /** How many of the timeline's events, counted from its end, happened since the last answer. */
  num_live: Type.Optional(Type.Integer()),
  /** Whether the timeline goes further back than before, because more was asked for. */
  unstable_expanded_timeline: Type.Optional(Type.Boolean()),
  joined_count: Type.Optional(Type.Integer()),
  invited_count: Type.Optional(Type.Integer()),
  notification_count: Type.Optional(Type.Integer()),
  highlight_count: Type.Optional(Type.Integer()),
  /** A client sorts by it, the highest first: where the last event stands that moves a room up. The lists go by any activity instead. */
  bump_stamp: Type.Optional(Type.Integer()),
});
export type SlidingSyncRoom = Static<typeof SlidingSyncRoomSchema>;

/** One ephemeral event for each room. */
const RoomEphemeralSchema = Type.Object({ rooms: Type.Optional(mapOf(BasicEventSchema)) });

export const SlidingSyncExtensionAnswersSchema = Type.Object({
  to_device: Type.Optional(Type.Object({ next_batch: Type.String(), events: Type.Optional(Type.Array(ToDeviceEventSchema)) })),
  e2ee: Type.Optional(
    Type.Object({
      device_lists: Type.Optional(DeviceListChangesSchema),
      device_one_time_keys_count: Type.Optional(mapOf(Type.Integer())),
      device_unused_fallback_key_types: Type.Optional(Type.Array(Type.String())),
    }),
  ),
  account_data: Type.Optional(
    Type.Object({
      global: Type.Optional(Type.Array(BasicEventSchema)),
      rooms: Type.Optional(mapOf(Type.Array(BasicEventSchema))),
    }),
  ),
  receipts: Type.Optional(RoomEphemeralSchema),
  typing: Type.Optional(RoomEphemeralSchema),
  'org.matrix.msc4354.sticky_events': Type.Optional(
    Type.Object({
      next_batch: Type.Optional(Type.String()),
      rooms: Type.Optional(mapOf(Type.Object({ events: Type.Array(ClientEventWithoutRoomIdSchema) }))),
    }),
  ),
  'io.element.msc4308.thread_subscriptions': Type.Optional(
    Type.Object({ ...ThreadSubscriptionChangesSchema.properties, prev_batch: Type.Optional(Type.String()) }),
  ),
});
export type SlidingSyncExtensionAnswers = Static<typeof SlidingSyncExtensionAnswersSchema>;

export const SlidingSyncResponseSchema = Type.Object({
  pos: Type.String(),
  txn_id: Type.Optional(Type.String()),
  /** How many rooms each list holds in all. */
  lists: Type.Optional(mapOf(Type.Object({ count: Type.Integer() }))),
  rooms: Type.Optional(mapOf(SlidingSyncRoomSchema)),
  extensions: Type.Optional(SlidingSyncExtensionAnswersSchema),
});
export type SlidingSyncResponse = Static<typeof SlidingSyncResponseSchema>;
