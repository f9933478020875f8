import { queryInfo, queryProfile, queryRoomDirectory } from 'federation-spec/api/server/queries.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { matrixError, notFound } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

/** They may be unset; others are not there then. */
const FIELDS_OF_EVERYBODY = ['displayname', 'avatar_url'];

type Deps = {
  /** The profile of a user of this server. Throws M_NOT_FOUND. */
  loadProfile: (userId: string) => Promise<JsonObject>;
  /** The room of an alias of this server. Throws M_NOT_FOUND. */
  resolveAlias: (alias: string) => Promise<{ roomId: string; servers: string[] }>;
};

/** https://spec.matrix.org/latest/server-server-api/#querying-for-information */
export function serverQueryRoutes({ loadProfile, resolveAlias }: Deps): Route[] {
  return [
    route(queryProfile, async ({ query }) => {
      const profile = await loadProfile(query.user_id);
      if (query.field === undefined) return profile;
      const value = Object.hasOwn(profile, query.field) ? profile[query.field] : undefined;
      if (value !== undefined) return { [query.field]: value };
      if (FIELDS_OF_EVERYBODY.includes(query.field)) return {};
      throw notFound(`The profile has no ${query.field.slice(0, 255)}`);
    }),
    route(queryRoomDirectory, async ({ query }) => {
      const { roomId, servers } = await resolveAlias(query.room_alias);
      return { room_id: roomId, servers };
    }),
    // The specification leaves the kinds of questions open, and names the two above.
    route(queryInfo, ({ params }) =>
      Promise.reject(matrixError(404, 'M_UNRECOGNIZED', `This server answers no questions of the kind ${params.queryType.slice(0, 100)}`)),
    ),
  ];
}
