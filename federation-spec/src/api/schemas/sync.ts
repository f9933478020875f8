import { type Static, Type } from 'typebox';
import { BasicEventSchema, ClientEventWithoutRoomIdSchema, StrippedStateEventSchema } from './events.ts';
import { UserIdSchema } from './ids.ts';
import { JsonObjectSchema, mapOf } from './json.ts';

/*
 * What a sync answers, part by part: https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3sync
 */

const StateSchema = Type.Object({ events: Type.Optional(Type.Array(ClientEventWithoutRoomIdSchema)) });
const BasicEventsSchema = Type.Object({ events: Type.Optional(Type.Array(BasicEventSchema)) });
const StrippedStateSchema = Type.Object({ events: Type.Optional(Type.Array(StrippedStateEventSchema)) });

export const TimelineSchema = Type.Object({
  events: Type.Array(ClientEventWithoutRoomIdSchema),
  /** Whether events are missing between the last sync and these. */
  limited: Type.Optional(Type.Boolean()),
  /** Where to go on backwards, with `getRoomEvents`. */
  prev_batch: Type.Optional(Type.String()),
});

/** What a client without all members needs to name a room; what has not changed may be left out. */
export const RoomMemberSummarySchema = Type.Object({
  'm.heroes': Type.Optional(Type.Array(UserIdSchema)),
  'm.joined_member_count': Type.Optional(Type.Integer()),
  'm.invited_member_count': Type.Optional(Type.Integer()),
});

export const UnreadCountsSchema = Type.Object({
  highlight_count: Type.Optional(Type.Integer()),
  notification_count: Type.Optional(Type.Integer()),
});

export const JoinedRoomSchema = Type.Object({
  summary: Type.Optional(RoomMemberSummarySchema),
  /** The state before the timeline. */
  state: Type.Optional(StateSchema),
  /** The state after the timeline, for clients that asked for it instead. */
  state_after: Type.Optional(StateSchema),
  'org.matrix.msc4222.state_after': Type.Optional(StateSchema),
  timeline: Type.Optional(TimelineSchema),
  /** Events that everybody in the room is brought for a while, but for those that stand in the timeline. */
  msc4354_sticky: Type.Optional(StateSchema),
  ephemeral: Type.Optional(BasicEventsSchema),
  account_data: Type.Optional(BasicEventsSchema),
  unread_notifications: Type.Optional(UnreadCountsSchema),
  /** By the event id of the thread's root. */
  unread_thread_notifications: Type.Optional(mapOf(UnreadCountsSchema)),
});
export type JoinedRoom = Static<typeof JoinedRoomSchema>;

export const LeftRoomSchema = Type.Object({
  state: Type.Optional(StateSchema),
  state_after: Type.Optional(StateSchema),
  'org.matrix.msc4222.state_after': Type.Optional(StateSchema),
  timeline: Type.Optional(TimelineSchema),
  account_data: Type.Optional(BasicEventsSchema),
});
export type LeftRoom = Static<typeof LeftRoomSchema>;

export const InvitedRoomSchema = Type.Object({ invite_state: Type.Optional(StrippedStateSchema) });
export type InvitedRoom = Static<typeof InvitedRoomSchema>;

export const KnockedRoomSchema = Type.Object({ knock_state: Type.Optional(StrippedStateSchema) });
export type KnockedRoom = Static<typeof KnockedRoomSchema>;

/** A message from device to device, as the receiving one gets it. */
export const ToDeviceEventSchema = Type.Object({ type: Type.String(), sender: UserIdSchema, content: JsonObjectSchema });
export type ToDeviceEvent = Static<typeof ToDeviceEventSchema>;

/** Whose devices changed, and whom no room is shared with any more. */
export const DeviceListChangesSchema = Type.Object({
  changed: Type.Optional(Type.Array(UserIdSchema)),
  left: Type.Optional(Type.Array(UserIdSchema)),
});
export type DeviceListChanges = Static<typeof DeviceListChangesSchema>;

export const SyncResponseSchema = Type.Object({
  next_batch: Type.String(),
  rooms: Type.Optional(
    Type.Object({
      join: Type.Optional(mapOf(JoinedRoomSchema)),
      invite: Type.Optional(mapOf(InvitedRoomSchema)),
      knock: Type.Optional(mapOf(KnockedRoomSchema)),
      leave: Type.Optional(mapOf(LeftRoomSchema)),
    }),
  ),
  presence: Type.Optional(BasicEventsSchema),
  account_data: Type.Optional(BasicEventsSchema),
  to_device: Type.Optional(Type.Object({ events: Type.Optional(Type.Array(ToDeviceEventSchema)) })),
  device_lists: Type.Optional(DeviceListChangesSchema),
  /** How many unclaimed one-time keys the server has, by algorithm. */
  device_one_time_keys_count: Type.Optional(mapOf(Type.Integer())),
  /** The algorithms whose fallback key has not been claimed. */
  device_unused_fallback_key_types: Type.Optional(Type.Array(Type.String())),
});
export type SyncResponse = Static<typeof SyncResponseSchema>;
