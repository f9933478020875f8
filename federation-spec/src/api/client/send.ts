import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema } from '../schemas/ids.ts';
import { JsonObjectSchema } from '../schemas/json.ts';
import { SendQuerySchema, SentEventSchema } from '../schemas/sent-events.ts';

/**
 * Strips all non-integrity-critical information out of an event.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid
 */
export const redactEvent = endpoint({
  id: 'redactEvent',
  method: 'PUT',
  path: '/_matrix/client/v3/rooms/:roomId/redact/:eventId/:txnId',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema, txnId: Type.String() }),
  body: Type.Object({ reason: Type.Optional(Type.String()) }),
  response: SentEventSchema,
  rateLimit: 'message',
});

/**
 * Send a message event to the given room.
 * https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
 */
export const sendMessage = endpoint({
  id: 'sendMessage',
  method: 'PUT',
  path: '/_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema, eventType: Type.String(), txnId: Type.String() }),
  query: SendQuerySchema,
  body: JsonObjectSchema,
  response: SentEventSchema,
  errors: ['M_DUPLICATE_ANNOTATION'],
  rateLimit: 'message',
});

/** The same without a transaction id, as old clients and scripts send it: a repeated request is another event. */
export const postMessage = endpoint({
  id: 'postMessage',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/send/:eventType',
  auth: 'access-token',
  guests: true,
  params: Type.Object({ roomId: RoomIdSchema, eventType: Type.String() }),
  query: SendQuerySchema,
  body: JsonObjectSchema,
  response: SentEventSchema,
  errors: ['M_DUPLICATE_ANNOTATION'],
  rateLimit: 'message',
  deprecated: true,
  spec: 'https://spec.matrix.org/legacy/client_server/r0.0.0.html#sending-events-to-a-room',
});

/** The same for a redaction. */
export const postRedaction = endpoint({
  id: 'postRedaction',
  method: 'POST',
  path: '/_matrix/client/v3/rooms/:roomId/redact/:eventId',
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  body: Type.Object({ reason: Type.Optional(Type.String()) }),
  response: SentEventSchema,
  rateLimit: 'message',
  deprecated: true,
  spec: 'https://spec.matrix.org/legacy/client_server/r0.0.0.html#redactions',
});
