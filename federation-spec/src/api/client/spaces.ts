import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomIdSchema } from '../schemas/ids.ts';
import { QueryBooleanSchema, QueryCountSchema } from '../schemas/query.ts';
import { SpaceRoomSchema } from '../schemas/room-directory.ts';

/** Retrieve a portion of a space tree. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1roomsroomidhierarchy */
export const getSpaceHierarchy = endpoint({
  id: 'getSpaceHierarchy',
  method: 'GET',
  path: '/_matrix/client/v1/rooms/:roomId/hierarchy',
  alsoAt: ['/_matrix/client/unstable/org.matrix.msc2946/rooms/:roomId/hierarchy'],
  auth: 'access-token',
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({
    suggested_only: Type.Optional(QueryBooleanSchema),
    limit: Type.Optional(QueryCountSchema),
    max_depth: Type.Optional(QueryCountSchema),
    from: Type.Optional(Type.String()),
  }),
  response: Type.Object({
    rooms: Type.Array(SpaceRoomSchema),
    next_batch: Type.Optional(Type.String()),
  }),
  errors: ['M_INVALID_PARAM', 'M_FORBIDDEN'],
  since: 'v1.2',
});
