import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema } from '../schemas/ids.ts';
import { listOrNothing } from '../schemas/json.ts';
import { PduListSchema, PduSchema } from '../schemas/pdus.ts';
import { QueryCountSchema, QueryListSchema } from '../schemas/query.ts';

/**
 * Retrieves the events which precede the given event.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1backfillroomid
 */
export const backfillRoom = endpoint({
  id: 'backfillRoom',
  method: 'GET',
  path: '/_matrix/federation/v1/backfill/:roomId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({ v: QueryListSchema, limit: QueryCountSchema }),
  response: PduListSchema,
  rateLimit: 'federation',
});

/**
 * Retrieves events that the sender is missing.
 * https://spec.matrix.org/latest/server-server-api/#post_matrixfederationv1get_missing_eventsroomid
 */
export const getMissingPreviousEvents = endpoint({
  id: 'getMissingPreviousEvents',
  method: 'POST',
  path: '/_matrix/federation/v1/get_missing_events/:roomId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema }),
  body: Type.Object({
    limit: Type.Optional(Type.Integer()),
    min_depth: Type.Optional(Type.Integer()),
    /** The events already known, where to stop. */
    earliest_events: listOrNothing(EventIdSchema),
    /** The events whose predecessors are missing, where to begin. */
    latest_events: Type.Array(EventIdSchema),
  }),
  response: Type.Object({ events: Type.Array(PduSchema) }),
  rateLimit: 'federation',
});
