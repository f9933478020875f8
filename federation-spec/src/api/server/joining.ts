import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { EventIdSchema, RoomIdSchema, ServerNameSchema, UserIdSchema } from '../schemas/ids.ts';
import { EventTemplateSchema, PduSchema } from '../schemas/pdus.ts';
import { QueryBooleanSchema, QueryListSchema } from '../schemas/query.ts';

/** The state before the join, with its auth chain. */
const JoinedStateSchema = Type.Object({
  members_omitted: Type.Optional(Type.Boolean()),
  auth_chain: Type.Array(PduSchema),
  state: Type.Array(PduSchema),
  event: Type.Optional(PduSchema),
  servers_in_room: Type.Optional(Type.Array(ServerNameSchema)),
});

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
  response: JoinedStateSchema,
  errors: ['M_UNABLE_TO_GRANT_JOIN', 'M_MISSING_PARAM', 'M_INVALID_PARAM', 'M_UNABLE_TO_AUTHORISE_JOIN', 'M_FORBIDDEN'],
  rateLimit: 'federation',
});

/**
 * Submit a signed join event, as servers did before v1.18; the answer is a pair of 200 and what version 2 answers.
 * https://spec.matrix.org/v1.17/server-server-api/#put_matrixfederationv1send_joinroomideventid
 */
export const sendJoinV1 = endpoint({
  id: 'sendJoinV1',
  method: 'PUT',
  path: '/_matrix/federation/v1/send_join/:roomId/:eventId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema, eventId: EventIdSchema }),
  body: PduSchema,
  response: Type.Tuple([Type.Literal(200), JoinedStateSchema]),
  errors: ['M_UNABLE_TO_GRANT_JOIN', 'M_MISSING_PARAM', 'M_INVALID_PARAM', 'M_UNABLE_TO_AUTHORISE_JOIN', 'M_FORBIDDEN'],
  rateLimit: 'federation',
  deprecated: true,
  spec: 'https://spec.matrix.org/v1.17/server-server-api/#put_matrixfederationv1send_joinroomideventid',
});
