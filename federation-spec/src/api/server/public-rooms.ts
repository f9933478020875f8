import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { QueryBooleanSchema, QueryCountSchema } from '../schemas/query.ts';
import { PublicRoomsSchema, PublicRoomsSearchSchema } from '../schemas/room-directory.ts';

/**
 * Lists the server's published room directory.
 * https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1publicrooms
 */
export const getPublicRooms = endpoint({
  id: 'getPublicRooms',
  method: 'GET',
  path: '/_matrix/federation/v1/publicRooms',
  auth: 'federation',
  query: Type.Object({
    limit: Type.Optional(QueryCountSchema),
    since: Type.Optional(Type.String()),
    include_all_networks: Type.Optional(QueryBooleanSchema),
    third_party_instance_id: Type.Optional(Type.String()),
  }),
  response: PublicRoomsSchema,
  rateLimit: 'federation',
});

/**
 * Lists the server's published room directory with an optional filter.
 * https://spec.matrix.org/latest/server-server-api/#post_matrixfederationv1publicrooms
 */
export const queryPublicRooms = endpoint({
  id: 'queryPublicRooms',
  method: 'POST',
  path: '/_matrix/federation/v1/publicRooms',
  auth: 'federation',
  body: PublicRoomsSearchSchema,
  response: PublicRoomsSchema,
  rateLimit: 'federation',
});
