import { getRoomSummary } from 'federation-spec/api/client/rooms.ts';
import { getSpaceHierarchy } from 'federation-spec/api/client/spaces.ts';
import { readInteger, readList } from 'federation-spec/api/schemas/query.ts';
import type { ResolveAlias } from '../../domain/directory/aliases.ts';
import type { Spaces } from '../../domain/directory/spaces.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#spaces */
export function spaceRoutes(spaces: Spaces, resolveAlias: ResolveAlias): Route[] {
  return [
    route(getRoomSummary, async ({ params, query, maybeRequester }) => {
      const { roomIdOrAlias: place } = params;
      if (!place.startsWith('#')) return await spaces.summary(maybeRequester, place, readList(query.via));
      const { roomId, servers } = await resolveAlias(place);
      return await spaces.summary(maybeRequester, roomId, servers);
    }),
    route(getSpaceHierarchy, async ({ params, query, requester }) => {
      return await spaces.hierarchy(requester, {
        roomId: params.roomId,
        suggestedOnly: query.suggested_only === 'true',
        limit: readInteger(query.limit),
        maxDepth: readInteger(query.max_depth),
        from: query.from,
      });
    }),
  ];
}
