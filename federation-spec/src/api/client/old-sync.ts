import { type Static, Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { BasicEventSchema, ClientEventSchema, MembershipSchema } from '../schemas/events.ts';
import { EventIdSchema, RoomIdSchema, UserIdSchema } from '../schemas/ids.ts';
import { QueryBooleanSchema, QueryCountSchema } from '../schemas/query.ts';
import { VisibilitySchema } from '../schemas/room-directory.ts';

const EventStreamQuerySchema = Type.Object({ from: Type.Optional(Type.String()), timeout: Type.Optional(QueryCountSchema) });
/** Events of rooms, and what else is new: typing and receipts with the room they are of, presence, account data. */
const EventStreamSchema = Type.Object({
  start: Type.String(),
  end: Type.String(),
  chunk: Type.Array(Type.Union([ClientEventSchema, BasicEventSchema])),
});

const RoomSnapshotSchema = Type.Object({
  room_id: RoomIdSchema,
  membership: Type.Optional(MembershipSchema),
  invite: Type.Optional(ClientEventSchema),
  messages: Type.Optional(Type.Object({ start: Type.Optional(Type.String()), end: Type.String(), chunk: Type.Array(ClientEventSchema) })),
  state: Type.Optional(Type.Array(ClientEventSchema)),
  visibility: Type.Optional(VisibilitySchema),
  account_data: Type.Optional(Type.Array(BasicEventSchema)),
  /** Who invited the user, beside the invite itself. */
  inviter: Type.Optional(UserIdSchema),
  presence: Type.Optional(Type.Array(BasicEventSchema)),
  receipts: Type.Optional(Type.Array(BasicEventSchema)),
});
export type RoomSnapshot = Static<typeof RoomSnapshotSchema>;

/**
 * Listen on the event stream; with a room id, of one room that may be looked into without joining it.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3events
 */
export const getEvents = endpoint({
  id: 'getEvents',
  method: 'GET',
  path: '/_matrix/client/v3/events',
  auth: 'access-token',
  guests: true,
  query: Type.Object({ ...EventStreamQuerySchema.properties, room_id: Type.Optional(RoomIdSchema) }),
  response: EventStreamSchema,
  deprecated: true,
});

/** Get a single event by event ID. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3eventseventid */
export const getOneEvent = endpoint({
  id: 'getOneEvent',
  method: 'GET',
  path: '/_matrix/client/v3/events/:eventId',
  auth: 'access-token',
  params: Type.Object({ eventId: EventIdSchema }),
  response: ClientEventSchema,
  deprecated: true,
});

/** Get the user's current state. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3initialsync */
export const initialSync = endpoint({
  id: 'initialSync',
  method: 'GET',
  path: '/_matrix/client/v3/initialSync',
  auth: 'access-token',
  query: Type.Object({ limit: Type.Optional(QueryCountSchema), archived: Type.Optional(QueryBooleanSchema) }),
  response: Type.Object({
    end: Type.String(),
    presence: Type.Array(BasicEventSchema),
    rooms: Type.Array(RoomSnapshotSchema),
    account_data: Type.Optional(Type.Array(BasicEventSchema)),
    receipts: Type.Optional(Type.Array(BasicEventSchema)),
  }),
  deprecated: true,
});

/**
 * Snapshot the current state of a room and its most recent messages.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3roomsroomidinitialsync
 */
export const roomInitialSync = endpoint({
  id: 'roomInitialSync',
  method: 'GET',
  path: '/_matrix/client/v3/rooms/:roomId/initialSync',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({ limit: Type.Optional(QueryCountSchema) }),
  response: RoomSnapshotSchema,
});

/** Listen on the event stream of a particular room. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3events */
export const peekEvents = endpoint({
  id: 'peekEvents',
  method: 'GET',
  path: '/_matrix/client/v3/events',
  auth: 'access-token',
  guests: true,
  query: Type.Object({ ...EventStreamQuerySchema.properties, room_id: RoomIdSchema }),
  response: EventStreamSchema,
  servedBy: 'getEvents',
});
