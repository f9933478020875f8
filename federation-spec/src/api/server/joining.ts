import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema, ServerNameSchema, UserIdSchema } from '../schemas/ids.ts';
import { EventTemplateSchema, PduSchema } from '../schemas/pdus.ts';
import { QueryBooleanSchema, QueryListSchema } from '../schemas/query.ts';

/**
 * Get information required to make a join event for a room.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1make_joinroomiduserid
 */
export const makeJoin = endpoint({
  id: 'makeJoin',
  method: 'GET',
  path: '/_matrix/federation/v1/make_join/:roomId/:userId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, userId: UserIdSchema }),
  query: Type.Object({ ver: Type.Optional(QueryListSchema) }),
  response: EventTemplateSchema,
  errors: ['M_INCOMPATIBLE_ROOM_VERSION', 'M_UNABLE_TO_AUTHORISE_JOIN', 'M_UNABLE_TO_GRANT_JOIN', 'M_FORBIDDEN', 'M_NOT_FOUND'],
  rateLimit: 'federation',
});

/**
 * Submit a signed join event to a resident server.
 * https://spec.matrix.org/latest/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export const sendJoinV2 = endpoint({
  id: 'sendJoinV2',
  method: 'PUT',
  path: '/_matrix/federation/v2/send_join/:roomId/:eventId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  query: Type.Object({ omit_members: Type.Optional(QueryBooleanSchema) }),
  body: PduSchema,
  response: Type.Object({
    members_omitted: Type.Optional(Type.Boolean()),
    auth_chain: Type.Array(PduSchema),
    state: Type.Array(PduSchema),
    event: Type.Optional(PduSchema),
    servers_in_room: Type.Optional(Type.Array(ServerNameSchema)),
  }),
  errors: ['M_UNABLE_TO_GRANT_JOIN', 'M_MISSING_PARAM', 'M_INVALID_PARAM', 'M_UNABLE_TO_AUTHORISE_JOIN', 'M_FORBIDDEN'],
  rateLimit: 'federation',
});
