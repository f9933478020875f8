import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { StateEventSchema } from '../schemas/events.ts';
import { RoomIdSchema } from '../schemas/ids.ts';
import { JsonObjectSchema } from '../schemas/json.ts';
import { SendQuerySchema, SentEventSchema } from '../schemas/sent-events.ts';

/** An empty state key is left out of the path, with or without the slash before it. */
const EMPTY_STATE_KEY = ['/_matrix/client/v3/rooms/:roomId/state/:eventType', '/_matrix/client/v3/rooms/:roomId/state/:eventType/'];

/**
 * Get all state events in the current state of a room.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3roomsroomidstate
 */
export const getRoomState = endpoint({
  id: 'getRoomState',
  method: 'GET',
  path: '/_matrix/client/v3/rooms/:roomId/state',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema }),
  response: Type.Array(StateEventSchema),
});

/**
 * Get the state identified by the type and key.
 * https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey
 */
export const getRoomStateWithKey = endpoint({
  id: 'getRoomStateWithKey',
  method: 'GET',
  path: '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey',
  alsoAt: EMPTY_STATE_KEY,
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema, eventType: Type.String(), stateKey: Type.Optional(Type.String()) }),
  query: Type.Object({ format: Type.Optional(Type.Enum(['content', 'event'])) }),
  /** The content, or the whole event when the format is `event`. */
  response: JsonObjectSchema,
});

/**
 * Send a state event to the given room.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey
 */
export const setRoomStateWithKey = endpoint({
  id: 'setRoomStateWithKey',
  method: 'PUT',
  path: '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey',
  alsoAt: EMPTY_STATE_KEY,
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema, eventType: Type.String(), stateKey: Type.Optional(Type.String()) }),
  query: SendQuerySchema,
  body: JsonObjectSchema,
  response: SentEventSchema,
  errors: ['M_BAD_ALIAS', 'M_INVALID_PARAM', 'M_FORBIDDEN', 'M_INVITE_BLOCKED'],
  rateLimit: 'message',
});
