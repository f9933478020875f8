import { type Static, Type } from 'typebox';

import { DeviceIdSchema, EventIdSchema, RoomIdSchema, TimestampSchema, UserIdSchema } from './ids.ts';
import { JsonObjectSchema, mapOf } from './json.ts';
import { PresenceStateSchema } from './users.ts';

/** What servers tell each other beside events. https://spec.matrix.org/latest/server-server-api/#edus */
export const EduSchema = Type.Object({ edu_type: Type.String(), content: JsonObjectSchema });
export type Edu = Static<typeof EduSchema>;

/** `m.typing` https://spec.matrix.org/latest/server-server-api/#typing-notifications */
export const TypingEduSchema = Type.Object({ room_id: RoomIdSchema, user_id: UserIdSchema, typing: Type.Boolean() });
export type TypingEdu = Static<typeof TypingEduSchema>;

/** One user's place in a room, or in one of its threads. */
const UserReceiptSchema = Type.Object({
  event_ids: Type.Array(EventIdSchema),
  data: Type.Object({ ts: TimestampSchema, thread_id: Type.Optional(Type.String()) }),
});

/** `m.receipt`, by room id, then `m.read`, then user id. https://spec.matrix.org/latest/server-server-api/#receipts */
export const ReceiptEduSchema = mapOf(Type.Object({ 'm.read': Type.Optional(mapOf(UserReceiptSchema)) }));
export type ReceiptEdu = Static<typeof ReceiptEduSchema>;

/** `m.presence` https://spec.matrix.org/latest/server-server-api/#presence */
export const PresenceEduSchema = Type.Object({
  push: Type.Array(
    Type.Object({
      user_id: UserIdSchema,
      presence: PresenceStateSchema,
      /** Milliseconds since the user did something. */
      last_active_ago: Type.Integer(),
      currently_active: Type.Optional(Type.Boolean()),
      status_msg: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    }),
  ),
});
export type PresenceEdu = Static<typeof PresenceEduSchema>;

/** `m.device_list_update` https://spec.matrix.org/latest/server-server-api/#device-management */
export const DeviceListUpdateEduSchema = Type.Object({
  user_id: UserIdSchema,
  device_id: DeviceIdSchema,
  stream_id: Type.Integer(),
  /** The updates before this one that may not have been seen. */
  prev_id: Type.Optional(Type.Array(Type.Integer())),
  deleted: Type.Optional(Type.Boolean()),
  device_display_name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  /** Absent when the device has no keys for end-to-end encryption. */
  keys: Type.Optional(Type.Unknown()),
});
export type DeviceListUpdateEdu = Static<typeof DeviceListUpdateEduSchema>;

/** `m.signing_key_update` https://spec.matrix.org/latest/server-server-api/#end-to-end-encryption */
export const SigningKeyUpdateEduSchema = Type.Object({
  user_id: UserIdSchema,
  master_key: Type.Optional(Type.Unknown()),
  self_signing_key: Type.Optional(Type.Unknown()),
});
export type SigningKeyUpdateEdu = Static<typeof SigningKeyUpdateEduSchema>;

/** `m.direct_to_device` https://spec.matrix.org/latest/server-server-api/#send-to-device-messaging */
export const DirectToDeviceEduSchema = Type.Object({
  sender: UserIdSchema,
  type: Type.String(),
  /** The same message twice is one message. */
  message_id: Type.String(),
  /** By user id, then by device id; `*` is every device. */
  messages: mapOf(mapOf(JsonObjectSchema)),
});
export type DirectToDeviceEdu = Static<typeof DirectToDeviceEduSchema>;
