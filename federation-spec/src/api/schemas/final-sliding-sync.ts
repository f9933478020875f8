import { type Static, Type } from 'typebox';
import { ClientEventWithoutRoomIdSchema, StrippedStateEventSchema } from './events.ts';
import { mapOf } from './json.ts';
import {
  SlidingSyncExtensionAnswersSchema,
  SlidingSyncExtensionsSchema,
  SlidingSyncFiltersSchema,
  SlidingSyncRoomSchema,
} from './sliding-sync.ts';

/*
 * Simplified sliding sync as MSC4186 was accepted. What differs from the form in use stands in its appendix.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/4186
 */

/** A part that is absent matches any. */
const RequiredStateElementSchema = Type.Object({ type: Type.Optional(Type.String()), state_key: Type.Optional(Type.String()) });

export const RequiredStateRequestSchema = Type.Object({
  include: Type.Optional(Type.Array(RequiredStateElementSchema)),
  exclude: Type.Optional(Type.Array(RequiredStateElementSchema)),
  /** Members are told of when they speak. */
  lazy_members: Type.Optional(Type.Boolean()),
});
export type RequiredStateRequest = Static<typeof RequiredStateRequestSchema>;

const RoomDetailsSchema = Type.Object({ timeline_limit: Type.Integer({ minimum: 0 }), required_state: RequiredStateRequestSchema });

const { is_invite: IsInvitedSchema, room_name_like: _none, ...filters } = SlidingSyncFiltersSchema.properties;

export const FinalSlidingSyncRequestSchema = Type.Object({
  conn_id: Type.Optional(Type.String()),
  pos: Type.Optional(Type.String()),
  /** Milliseconds to wait for something new. */
  timeout: Type.Optional(Type.Integer({ minimum: 0 })),
  /** As `PresenceStateSchema` has it; other text is an invalid parameter. */
  set_presence: Type.Optional(Type.String()),
  lists: Type.Optional(
    mapOf(
      Type.Object({
        ...RoomDetailsSchema.properties,
        /** First and last place in the list, both included, counted from 0. */
        range: Type.Optional(Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ minimum: 0 })])),
        filters: Type.Optional(Type.Object({ ...filters, is_invited: IsInvitedSchema })),
      }),
    ),
  ),
  room_subscriptions: Type.Optional(mapOf(RoomDetailsSchema)),
  extensions: Type.Optional(SlidingSyncExtensionsSchema),
});
export type FinalSlidingSyncRequest = Static<typeof FinalSlidingSyncRequestSchema>;

/** State that is no more. */
const StateStubSchema = Type.Object({ type: Type.String(), state_key: Type.String() });

const {
  invite_state: _inviteState,
  unstable_expanded_timeline: _expanded,
  notification_count: _notifications,
  highlight_count: _highlights,
  ...room
} = SlidingSyncRoomSchema.properties;

export const FinalSlidingSyncResponseSchema = Type.Object({
  pos: Type.String(),
  lists: Type.Optional(mapOf(Type.Object({ count: Type.Integer() }))),
  rooms: Type.Optional(
    mapOf(
      Type.Object({
        ...room,
        name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
        expanded_timeline: Type.Optional(Type.Boolean()),
        stripped_state: Type.Optional(Type.Array(StrippedStateEventSchema)),
        required_state: Type.Optional(Type.Array(Type.Union([ClientEventWithoutRoomIdSchema, StateStubSchema]))),
      }),
    ),
  ),
  extensions: Type.Optional(SlidingSyncExtensionAnswersSchema),
});
export type FinalSlidingSyncResponse = Static<typeof FinalSlidingSyncResponseSchema>;
