import { search as searchEndpoint } from 'federation-spec/api/client/search.ts';
import type { Search } from '../../domain/search/search.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#server-side-search */
export function searchRoute(search: Search): Route {
  return route(searchEndpoint, async ({ query, body, requester }) => {
    const criteria = body.search_categories.room_events;
    if (criteria === undefined) return { search_categories: {} };
    return { search_categories: { room_events: await search(requester, criteria, query.next_batch) } };
  });
}
