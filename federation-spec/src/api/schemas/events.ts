import { type Static, Type } from 'typebox';
import { EventIdSchema, RoomIdSchema, TimestampSchema, UserIdSchema } from './ids.ts';
import { JsonObjectSchema } from './json.ts';

/** What the homeserver adds to an event on its way to one client; `unsigned` may hold more. */
export const UnsignedDataSchema = Type.Object({
  age: Type.Optional(Type.Integer()),
  membership: Type.Optional(Type.String()),
  /** What somebody who is invited is shown of the room, where an invite is told as an event. */
  invite_room_state: Type.Optional(Type.Array(JsonObjectSchema)),
  prev_content: Type.Optional(JsonObjectSchema),
  prev_sender: Type.Optional(Type.String()),
  redacted_because: Type.Optional(JsonObjectSchema),
  replaces_state: Type.Optional(EventIdSchema),
  transaction_id: Type.Optional(Type.String()),
  'm.relations': Type.Optional(JsonObjectSchema),
  /** How much longer everybody in the room is brought the event. */
  msc4354_sticky_duration_ttl_ms: Type.Optional(Type.Integer()),
});

/** https://spec.matrix.org/latest/client-server-api/#room-event-format */
export const ClientEventWithoutRoomIdSchema = Type.Object({
  event_id: EventIdSchema,
  type: Type.String(),
  sender: UserIdSchema,
  origin_server_ts: TimestampSchema,
  content: JsonObjectSchema,
  /** Present on state events only; often the empty string. */
  state_key: Type.Optional(Type.String()),
  /** The event a redaction redacts, in the place that room versions 1 to 10 have it. */
  redacts: Type.Optional(EventIdSchema),
  unsigned: Type.Optional(UnsignedDataSchema),
  /** For how long everybody in the room is brought the event: https://github.com/matrix-org/matrix-spec-proposals/pull/4354 */
  msc4354_sticky: Type.Optional(Type.Object({ duration_ms: Type.Integer() })),
});
export type ClientEventWithoutRoomId = Static<typeof ClientEventWithoutRoomIdSchema>;

export const ClientEventSchema = Type.Object({ ...ClientEventWithoutRoomIdSchema.properties, room_id: RoomIdSchema });
export type ClientEvent = Static<typeof ClientEventSchema>;

/** An event of a room's current state. */
export const StateEventSchema = Type.Object({ ...ClientEventSchema.properties, state_key: Type.String() });
export type StateEvent = Static<typeof StateEventSchema>;

/** What someone outside a room is shown of its state: https://spec.matrix.org/latest/client-server-api/#stripped-state */
export const StrippedStateEventSchema = Type.Object({
  type: Type.String(),
  sender: UserIdSchema,
  state_key: Type.String(),
  content: JsonObjectSchema,
});
export type StrippedStateEvent = Static<typeof StrippedStateEventSchema>;

/** What is not part of a room's history: typing, receipts, presence, account data. */
export const BasicEventSchema = Type.Object({
  type: Type.String(),
  content: JsonObjectSchema,
  sender: Type.Optional(UserIdSchema),
});
export type BasicEvent = Static<typeof BasicEventSchema>;

/** The two ways through a room's history: `b` to what was before, `f` to what came after. */
export const DirectionSchema = Type.Enum(['b', 'f']);
export type Direction = Static<typeof DirectionSchema>;

/** How a user stands to a room. https://spec.matrix.org/latest/client-server-api/#room-membership */
export const MembershipSchema = Type.Enum(['join', 'invite', 'knock', 'leave', 'ban']);
export type Membership = Static<typeof MembershipSchema>;
