import { Type } from 'typebox';
import { endpoint } from '../endpoint.ts';
import { ContentUriSchema, UserIdSchema } from '../schemas/ids.ts';

/** Searches the user directory. https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3user_directorysearch */
export const searchUserDirectory = endpoint({
  id: 'searchUserDirectory',
  method: 'POST',
  path: '/_matrix/client/v3/user_directory/search',
  auth: 'access-token',
  body: Type.Object({ search_term: Type.String(), limit: Type.Optional(Type.Integer()) }),
  response: Type.Object({
    results: Type.Array(
      Type.Object({ user_id: UserIdSchema, display_name: Type.Optional(Type.String()), avatar_url: Type.Optional(ContentUriSchema) }),
    ),
    limited: Type.Boolean(),
  }),
  rateLimit: 'search',
});
