import { type Static, Type } from 'typebox';
import { RoomIdSchema, UserIdSchema } from './ids.ts';

/** https://spec.matrix.org/latest/client-server-api/#filtering */
export const EventFilterSchema = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 0 })),
  types: Type.Optional(Type.Array(Type.String())),
  not_types: Type.Optional(Type.Array(Type.String())),
  senders: Type.Optional(Type.Array(UserIdSchema)),
  not_senders: Type.Optional(Type.Array(UserIdSchema)),
});
export type EventFilter = Static<typeof EventFilterSchema>;

/** What one part of one room's data is narrowed to: its timeline, state, ephemeral events or account data. */
export const RoomEventFilterSchema = Type.Object({
  ...EventFilterSchema.properties,
  rooms: Type.Optional(Type.Array(RoomIdSchema)),
  not_rooms: Type.Optional(Type.Array(RoomIdSchema)),
  contains_url: Type.Optional(Type.Boolean()),
  lazy_load_members: Type.Optional(Type.Boolean()),
  include_redundant_members: Type.Optional(Type.Boolean()),
  unread_thread_notifications: Type.Optional(Type.Boolean()),
  /** Proposal names from before events could be filtered by their relations in the specification. */
  related_by_senders: Type.Optional(Type.Array(UserIdSchema)),
  related_by_rel_types: Type.Optional(Type.Array(Type.String())),
  /** By what an event itself relates to others with. https://github.com/matrix-org/matrix-spec-proposals/pull/3874 */
  'org.matrix.msc3874.rel_types': Type.Optional(Type.Array(Type.String())),
  'org.matrix.msc3874.not_rel_types': Type.Optional(Type.Array(Type.String())),
});
export type RoomEventFilter = Static<typeof RoomEventFilterSchema>;

export const RoomFilterSchema = Type.Object({
  rooms: Type.Optional(Type.Array(RoomIdSchema)),
  not_rooms: Type.Optional(Type.Array(RoomIdSchema)),
  include_leave: Type.Optional(Type.Boolean()),
  timeline: Type.Optional(RoomEventFilterSchema),
  state: Type.Optional(RoomEventFilterSchema),
  ephemeral: Type.Optional(RoomEventFilterSchema),
  account_data: Type.Optional(RoomEventFilterSchema),
});
export type RoomFilter = Static<typeof RoomFilterSchema>;

/** The whole filter of a sync; the homeserver keeps it and gives it a filter id. */
export const SyncFilterSchema = Type.Object({
  event_fields: Type.Optional(Type.Array(Type.String())),
  event_format: Type.Optional(Type.Enum(['client', 'federation'])),
  presence: Type.Optional(EventFilterSchema),
  account_data: Type.Optional(EventFilterSchema),
  room: Type.Optional(RoomFilterSchema),
});
export type SyncFilter = Static<typeof SyncFilterSchema>;
