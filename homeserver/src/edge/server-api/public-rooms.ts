import { readBoolean, readInteger } from 'federation-spec/api/schemas/query.ts';
import { getPublicRooms, queryPublicRooms } from 'federation-spec/api/server/public-rooms.ts';
import { networkOf, type PublicRooms } from '../../domain/directory/public-rooms.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/server-server-api/#published-room-directory */
export function serverPublicRoomRoutes(publicRooms: Pick<PublicRooms, 'search'>): Route[] {
  return [
    route(
      getPublicRooms,
      async ({ query }) =>
        await publicRooms.search({
          limit: readInteger(query.limit),
          since: query.since,
          network: networkOf(readBoolean(query.include_all_networks), query.third_party_instance_id),
        }),
    ),
    route(queryPublicRooms, async ({ body }) => {
      const { generic_search_term: term, room_types: roomTypes } = body.filter ?? {};
      return await publicRooms.search({
        limit: body.limit,
        since: body.since,
        term,
        roomTypes,
        network: networkOf(body.include_all_networks, body.third_party_instance_id),
      });
    }),
  ];
}
