import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema } from '../schemas/ids.ts';
import { PduSchema } from '../schemas/pdus.ts';

/** Get all the state of a given room. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1stateroomid */
export const getRoomState = endpoint({
  id: 'getRoomState',
  method: 'GET',
  path: '/_matrix/federation/v1/state/:roomId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({ event_id: EventIdSchema }),
  response: Type.Object({ auth_chain: Type.Array(PduSchema), pdus: Type.Array(PduSchema) }),
  rateLimit: 'federation',
});

/**
 * Get all the state event IDs of a given room.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1state_idsroomid
 */
export const getRoomStateIds = endpoint({
  id: 'getRoomStateIds',
  method: 'GET',
  path: '/_matrix/federation/v1/state_ids/:roomId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({ event_id: EventIdSchema }),
  response: Type.Object({ auth_chain_ids: Type.Array(EventIdSchema), pdu_ids: Type.Array(EventIdSchema) }),
  errors: ['M_FORBIDDEN', 'M_NOT_FOUND'],
  rateLimit: 'federation',
});
