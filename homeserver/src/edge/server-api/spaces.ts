import { getSpaceHierarchy } from 'federation-spec/api/server/spaces.ts';
import type { Spaces } from '../../domain/directory/spaces.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/server-server-api/#spaces */
export function serverSpaceRoute(spaces: Pick<Spaces, 'forServer'>): Route {
  return route(
    getSpaceHierarchy,
    async ({ params, query, origin }) => await spaces.forServer(origin, params.roomId, query.suggested_only === 'true'),
  );
}
