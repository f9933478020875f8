import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { RoomIdSchema } from '../schemas/ids.ts';
import { QueryBooleanSchema } from '../schemas/query.ts';
import { RoomSummarySchema, SpaceRoomSchema } from '../schemas/room-directory.ts';

/** Retrieve a portion of a space tree. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1hierarchyroomid */
export const getSpaceHierarchy = endpoint({
  id: 'getSpaceHierarchy',
  method: 'GET',
  path: '/_matrix/federation/v1/hierarchy/:roomId',
  auth: 'federation',
  params: Type.Object({ roomId: RoomIdSchema }),
  query: Type.Object({ suggested_only: Type.Optional(QueryBooleanSchema) }),
  response: Type.Object({
    room: SpaceRoomSchema,
    children: Type.Array(RoomSummarySchema),
    inaccessible_children: Type.Array(RoomIdSchema),
  }),
  errors: ['M_NOT_FOUND'],
  rateLimit: 'federation',
  since: 'v1.2',
});
