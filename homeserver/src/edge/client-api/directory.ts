import * as api from 'federation-spec/api/client/directory.ts';
import { searchUserDirectory } from 'federation-spec/api/client/user-directory.ts';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import { networkOf, type PublicRooms } from '../../domain/directory/public-rooms.ts';
import type { SearchUsers } from '../../domain/directory/search-users.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#published-room-directory, https://spec.matrix.org/latest/client-server-api/#user-directory */
export function directoryRoutes({ publicRooms, searchUsers }: { publicRooms: PublicRooms; searchUsers: SearchUsers }): Route[] {
  return [
    route(api.getPublicRooms, ({ query }) =>
      publicRooms.search({ server: query.server, since: query.since, limit: readInteger(query.limit) }),
    ),
    route(api.queryPublicRooms, ({ query, body }) =>
      publicRooms.search({
        server: query.server,
        since: body.since,
        limit: body.limit,
        network: networkOf(body.include_all_networks, body.third_party_instance_id),
        term: body.filter?.generic_search_term,
        roomTypes: body.filter?.room_types,
      }),
    ),
    route(api.getRoomVisibilityOnDirectory, async ({ params }) => ({
      visibility: (await publicRooms.isListed(params.roomId)) ? ('public' as const) : ('private' as const),
    })),
    route(api.setRoomVisibilityOnDirectory, async ({ params, body, requester }) => {
      await publicRooms.list(requester, params.roomId, (body.visibility ?? 'public') === 'public');
      return {};
    }),
    route(searchUserDirectory, async ({ body, requester }) => {
      const { users, isLimited } = await searchUsers(requester, body.search_term, body.limit);
      const results = users.map(({ userId, displayName, avatarUrl }) => ({
        user_id: userId,
        ...(displayName === undefined ? {} : { display_name: displayName }),
        ...(avatarUrl === undefined ? {} : { avatar_url: avatarUrl }),
      }));
      return { results, limited: isLimited };
    }),
  ];
}
