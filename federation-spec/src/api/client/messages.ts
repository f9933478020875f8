import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ClientEventSchema, DirectionSchema, StateEventSchema } from '../schemas/events.ts';
import { EventIdSchema, RoomIdSchema, TimestampSchema } from '../schemas/ids.ts';
import { QueryBooleanSchema, QueryCountSchema } from '../schemas/query.ts';

const RelationsQuerySchema = Type.Object({
  from: Type.Optional(Type.String()),
  to: Type.Optional(Type.String()),
  limit: Type.Optional(QueryCountSchema),
  dir: Type.Optional(DirectionSchema),
  /** Whether to follow relations of relations. */
  recurse: Type.Optional(QueryBooleanSchema),
});

const RelatingEventsSchema = Type.Object({
  chunk: Type.Array(ClientEventSchema),
  next_batch: Type.Optional(Type.String()),
  prev_batch: Type.Optional(Type.String()),
  recursion_depth: Type.Optional(Type.Integer()),
});

/**
 * Get the child events for a given parent event.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1roomsroomidrelationseventid
 */
export const getRelatingEvents = endpoint({
  id: 'getRelatingEvents',
  method: 'GET',
  path: '/_matrix/client/v1/rooms/:roomId/relations/:eventId',
  alsoAt: ['/_matrix/client/unstable/rooms/:roomId/relations/:eventId'],
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  query: RelationsQuerySchema,
  response: RelatingEventsSchema,
  errors: ['M_NOT_FOUND'],
  since: 'v1.3',
});

/**
 * Get the child events for a given parent event, with a given `relType`.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1roomsroomidrelationseventidreltype
 */
export const getRelatingEventsWithRelType = endpoint({
  id: 'getRelatingEventsWithRelType',
  method: 'GET',
  path: '/_matrix/client/v1/rooms/:roomId/relations/:eventId/:relType',
  alsoAt: ['/_matrix/client/unstable/rooms/:roomId/relations/:eventId/:relType'],
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema, relType: Type.String() }),
  query: RelationsQuerySchema,
  response: RelatingEventsSchema,
  errors: ['M_NOT_FOUND'],
  since: 'v1.3',
});

/**
 * Get the child events for a given parent event, with a given `relType` and `eventType`.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1roomsroomidrelationseventidreltypeeventtype
 */
export const getRelatingEventsWithRelTypeAndEventType = endpoint({
  id: 'getRelatingEventsWithRelTypeAndEventType',
  method: 'GET',
  path: '/_matrix/client/v1/rooms/:roomId/relations/:eventId/:relType/:eventType',
  alsoAt: ['/_matrix/client/unstable/rooms/:roomId/relations/:eventId/:relType/:eventType'],
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema, relType: Type.String(), eventType: Type.String() }),
  query: RelationsQuerySchema,
  response: RelatingEventsSchema,
  errors: ['M_NOT_FOUND'],
  since: 'v1.3',
});

/**
 * Get the closest event ID to the given timestamp.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event
 */
export const getEventByTimestamp = endpoint({
  id: 'getEventByTimestamp',
  method: 'GET',
  path: '/_matrix/client/v1/rooms/:roomId/timestamp_to_event',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3030/rooms/:roomId/timestamp_to_event'],
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({ ts: QueryCountSchema, dir: DirectionSchema }),
  response: Type.Object({ event_id: EventIdSchema, origin_server_ts: TimestampSchema }),
  errors: ['M_NOT_FOUND'],
  since: 'v1.6',
});

/** Get a single event by event ID. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3roomsroomideventeventid */
export const getOneRoomEvent = endpoint({
  id: 'getOneRoomEvent',
  method: 'GET',
  path: '/_matrix/client/v3/rooms/:roomId/event/:eventId',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  response: ClientEventSchema,
  errors: ['M_NOT_FOUND'],
});

/** Get a list of events for this room. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3roomsroomidmessages */
export const getRoomEvents = endpoint({
  id: 'getRoomEvents',
  method: 'GET',
  path: '/_matrix/client/v3/rooms/:roomId/messages',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({
    from: Type.Optional(Type.String()),
    to: Type.Optional(Type.String()),
    dir: DirectionSchema,
    limit: Type.Optional(QueryCountSchema),
    /** A `RoomEventFilter` as JSON. */
    filter: Type.Optional(Type.String()),
  }),
  response: Type.Object({
    start: Type.String(),
    end: Type.Optional(Type.String()),
    chunk: Type.Array(ClientEventSchema),
    /** The members that the events speak of, when members are loaded lazily. */
    state: Type.Optional(Type.Array(StateEventSchema)),
  }),
});

/**
 * Get events and state around the specified event.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3roomsroomidcontexteventid
 */
export const getEventContext = endpoint({
  id: 'getEventContext',
  method: 'GET',
  path: '/_matrix/client/v3/rooms/:roomId/context/:eventId',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  query: Type.Object({ limit: Type.Optional(QueryCountSchema), filter: Type.Optional(Type.String()) }),
  response: Type.Object({
    start: Type.String(),
    end: Type.String(),
    event: ClientEventSchema,
    /** The newest first. */
    events_before: Type.Array(ClientEventSchema),
    /** The oldest first. */
    events_after: Type.Array(ClientEventSchema),
    /** The state at the last of the events. */
    state: Type.Array(StateEventSchema),
  }),
});

/**
 * Fetches a list of the threads in a room.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1roomsroomidthreads
 */
export const getThreadRoots = endpoint({
  id: 'getThreadRoots',
  method: 'GET',
  path: '/_matrix/client/v1/rooms/:roomId/threads',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc3856/rooms/:roomId/threads'],
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({
    include: Type.Optional(Type.Enum(['all', 'participated'])),
    limit: Type.Optional(QueryCountSchema),
    from: Type.Optional(Type.String()),
  }),
  response: Type.Object({ chunk: Type.Array(ClientEventSchema), next_batch: Type.Optional(Type.String()) }),
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN'],
  since: 'v1.4',
});
