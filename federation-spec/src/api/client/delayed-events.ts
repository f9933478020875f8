import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema, TimestampSchema } from '../schemas/ids.ts';
import { EmptySchema, JsonObjectSchema } from '../schemas/json.ts';
import { QueryCountSchema } from '../schemas/query.ts';

/** Milliseconds until the event is sent by itself. */
const DelayQuerySchema = Type.Object({ 'org.matrix.msc4140.delay': QueryCountSchema });

const DelayIdSchema = Type.Object({ delay_id: Type.String() });
const DelayParamsSchema = Type.Object({ delayId: Type.String() });

/** An event that waits, or that waited and was sent or refused. */
const DelayedEventSchema = Type.Object({
  delay_id: Type.String(),
  room_id: RoomIdSchema,
  type: Type.String(),
  state_key: Type.Optional(Type.String()),
  content: JsonObjectSchema,
  delay_ms: Type.Integer(),
  /** When it was scheduled or last restarted. */
  delayed_since_ts: TimestampSchema,
  /** What became of it: it was sent, or could not be, or was cancelled. Absent while it waits. */
  finalised: Type.Optional(
    Type.Object({
      finalised_ts: TimestampSchema,
      event_id: Type.Optional(EventIdSchema),
      error: Type.Optional(JsonObjectSchema),
    }),
  ),
  /** The same by the names that it had in earlier drafts. */
  delay: Type.Integer(),
  running_since: TimestampSchema,
  event_id: Type.Optional(EventIdSchema),
  finalised_ts: Type.Optional(TimestampSchema),
  error: Type.Optional(JsonObjectSchema),
});

/** Send an event later. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export const sendDelayedMessage = endpoint({
  id: 'sendDelayedMessage',
  method: 'PUT',
  path: '/_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema, eventType: Type.String(), txnId: Type.String() }),
  query: DelayQuerySchema,
  body: JsonObjectSchema,
  response: DelayIdSchema,
  rateLimit: 'message',
  since: 'unstable',
  servedBy: 'sendMessage',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4140',
});

/** Set a piece of state later. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export const setDelayedState = endpoint({
  id: 'setDelayedState',
  method: 'PUT',
  path: '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema, eventType: Type.String(), stateKey: Type.Optional(Type.String()) }),
  query: DelayQuerySchema,
  body: JsonObjectSchema,
  response: DelayIdSchema,
  rateLimit: 'message',
  since: 'unstable',
  servedBy: 'setRoomStateWithKey',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4140',
});

/** Send an event of either kind later, as newer clients ask for it. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export const sendDelayedEvent = endpoint({
  id: 'sendDelayedEvent',
  method: 'PUT',
  path: '/_matrix/client/unstable/org.matrix.msc4140/rooms/:roomId/delayed_event/:eventType/:txnId',
  alsoAt: ['/_matrix/client/v3/rooms/:roomId/delayed_event/:eventType/:txnId'],
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema, eventType: Type.String(), txnId: Type.String() }),
  body: Type.Object({
    /** One of the two is required; the second is its name in earlier drafts. */
    delay_ms: Type.Optional(Type.Integer()),
    delay: Type.Optional(Type.Integer()),
    state_key: Type.Optional(Type.String()),
    content: JsonObjectSchema,
  }),
  response: DelayIdSchema,
  rateLimit: 'message',
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4140',
});

/** List the events the user has waiting. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export const getDelayedEvents = endpoint({
  id: 'getDelayedEvents',
  method: 'GET',
  path: '/_matrix/client/unstable/org.matrix.msc4140/delayed_events',
  alsoAt: ['/_matrix/client/v1/delayed_events'],
  auth: 'access-token',
  guests: true,
  /** As https://github.com/matrix-org/matrix-spec-proposals/pull/4486 has them; those that wait, when no status is given. */
  query: Type.Object({
    from: Type.Optional(Type.String()),
    dir: Type.Optional(Type.Enum(['f', 'b'])),
    status: Type.Optional(Type.Enum(['scheduled', 'finalised', 'sent', 'cancelled', 'failed'])),
    room_id: Type.Optional(RoomIdSchema),
    type: Type.Optional(Type.String()),
  }),
  response: Type.Object({ delayed_events: Type.Array(DelayedEventSchema), next_batch: Type.Optional(Type.String()) }),
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4140',
});

/** Get one event that the user has waiting. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export const getDelayedEvent = endpoint({
  id: 'getDelayedEvent',
  method: 'GET',
  path: '/_matrix/client/unstable/org.matrix.msc4140/delayed_events/:delayId',
  alsoAt: ['/_matrix/client/v1/delayed_events/:delayId'],
  auth: 'access-token',
  guests: true,
  params: DelayParamsSchema,
  response: DelayedEventSchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4140',
});

/**
 * Send a waiting event now, drop it, or begin its delay anew. Whoever knows the delay id may do it, so that a call's media server
 * can send the leave of a client that vanished. https://github.com/matrix-org/matrix-spec-proposals/pull/4140
 */
export const updateDelayedEvent = endpoint({
  id: 'updateDelayedEvent',
  method: 'POST',
  path: '/_matrix/client/unstable/org.matrix.msc4140/delayed_events/:delayId/:action',
  alsoAt: ['/_matrix/client/v1/delayed_events/:delayId/:action'],
  auth: 'none',
  /** The action is `send`, `cancel` or `restart`; any other path is not served. */
  params: Type.Object({ ...DelayParamsSchema.properties, action: Type.String() }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4140',
});

/** The same with the action in the body, as older clients ask for it. https://github.com/matrix-org/matrix-spec-proposals/pull/4140 */
export const updateDelayedEventByBody = endpoint({
  id: 'updateDelayedEventByBody',
  method: 'POST',
  path: '/_matrix/client/unstable/org.matrix.msc4140/delayed_events/:delayId',
  auth: 'optional-access-token',
  guests: true,
  params: DelayParamsSchema,
  body: Type.Object({ action: Type.Optional(Type.Unknown()) }),
  response: EmptySchema,
  errors: ['M_NOT_FOUND'],
  since: 'unstable',
  spec: 'https://github.com/matrix-org/matrix-spec-proposals/pull/4140',
});
