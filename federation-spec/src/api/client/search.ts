import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { SearchCriteriaSchema, SearchResultsSchema } from '../schemas/search.ts';

/** Perform a server-side search. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3search */
export const search = endpoint({
  id: 'search',
  method: 'POST',
  path: '/_matrix/client/v3/search',
  auth: 'access-token',
  query: Type.Object({ next_batch: Type.Optional(Type.String()) }),
  body: Type.Object({ search_categories: Type.Object({ room_events: Type.Optional(SearchCriteriaSchema) }) }),
  response: Type.Object({ search_categories: Type.Object({ room_events: Type.Optional(SearchResultsSchema) }) }),
  rateLimit: 'search',
});
