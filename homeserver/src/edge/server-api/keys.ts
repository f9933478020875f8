import { readInteger } from 'federation-spec/api/schemas/query.ts';
import { bulkPerspectivesKeyQuery, getServerKey, perspectivesKeyQuery } from 'federation-spec/api/server/keys.ts';
import type { AskNotary } from '../../domain/federation/keys/notary.ts';
import type { ListOwnKeys } from '../../domain/federation/keys/own-keys.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/server-server-api/#retrieving-server-keys */
export function serverKeyRoutes(listOwnKeys: ListOwnKeys, askNotary: AskNotary): Route[] {
  return [
    route(getServerKey, async () => await listOwnKeys()),
    route(perspectivesKeyQuery, async ({ params, query }) => {
      const minimumValidUntil = readInteger(query.minimum_valid_until_ts) ?? 0;
      return {
        server_keys: await askNotary([
          { serverName: params.serverName, keyIds: params.keyId === undefined ? [] : [params.keyId], minimumValidUntil },
        ]),
      };
    }),
    route(bulkPerspectivesKeyQuery, async ({ body }) => {
      const queries = Object.entries(body.server_keys).map(([serverName, criteria]) => ({
        serverName,
        keyIds: Object.keys(criteria),
        minimumValidUntil: Math.max(0, ...Object.values(criteria).map((criterion) => criterion.minimum_valid_until_ts ?? 0)),
      }));
      return { server_keys: await askNotary(queries) };
    }),
  ];
}
