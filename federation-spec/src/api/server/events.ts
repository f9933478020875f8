import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { DirectionSchema } from '../schemas/events.ts';
import { EventIdSchema, RoomIdSchema, TimestampSchema } from '../schemas/ids.ts';
import { PduListSchema, PduSchema } from '../schemas/pdus.ts';
import { QueryCountSchema } from '../schemas/query.ts';

/**
 * Get the auth chain for a given event.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1event_authroomideventid
 */
export const getEventAuth = endpoint({
  id: 'getEventAuth',
  method: 'GET',
  path: '/_matrix/federation/v1/event_auth/:roomId/:eventId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  response: Type.Object({ auth_chain: Type.Array(PduSchema) }),
  rateLimit: 'federation',
});

/** Get a single event. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1eventeventid */
export const getEvent = endpoint({
  id: 'getEvent',
  method: 'GET',
  path: '/_matrix/federation/v1/event/:eventId',
  auth: 'federation',
  params: Type.Object({ eventId: EventIdSchema }),
  response: PduListSchema,
  rateLimit: 'federation',
});

/**
 * Get the closest event ID to the given timestamp.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid
 */
export const getEventByTimestamp = endpoint({
  id: 'getEventByTimestamp',
  method: 'GET',
  path: '/_matrix/federation/v1/timestamp_to_event/:roomId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({ ts: QueryCountSchema, dir: DirectionSchema }),
  response: Type.Object({ event_id: EventIdSchema, origin_server_ts: TimestampSchema }),
  errors: ['M_NOT_FOUND'],
  rateLimit: 'federation',
  since: 'v1.6',
});
