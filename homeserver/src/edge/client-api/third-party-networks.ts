import * as api from 'federation-spec/api/client/third-party-networks.ts';
import type { ThirdPartyNetworks } from '../../domain/appservices/third-party-networks.ts';
import type { HttpRequest } from '../http/http-request.ts';
import { readQuery } from '../http/read-query.ts';
import { type Route, raw, route } from '../http/route.ts';

/** What is said to us and not to the service. */
const OUR_PARAMETERS: readonly string[] = ['access_token', 'user_id', 'device_id', 'org.matrix.msc3202.device_id'];

/** https://spec.matrix.org/latest/client-server-api/#third-party-networks */
export function thirdPartyNetworkRoutes(networks: ThirdPartyNetworks): Route[] {
  return [
    route(api.getProtocols, async () => raw({ json: await networks.protocols() })),
    route(api.getProtocolMetadata, async ({ params }) => raw({ json: await networks.protocol(params.protocol) })),
    route(api.queryLocationByProtocol, ({ params, request }) => networks.locationsOf(params.protocol, readFields(request))),
    route(api.queryUserByProtocol, ({ params, request }) => networks.usersOf(params.protocol, readFields(request))),
    route(api.queryLocationByAlias, ({ query }) => networks.locationsByAlias(query.alias)),
    route(api.queryUserByID, ({ query }) => networks.usersById(query.userid)),
  ];
}

/** The fields to search by are the protocol's own: they stand in the query by their names. */
function readFields({ url }: HttpRequest): Record<string, string> {
  const at = url.indexOf('?');
  const entries = Object.entries(readQuery(at === -1 ? '' : url.slice(at + 1))).filter(([name]) => !OUR_PARAMETERS.includes(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? (value[0] ?? '') : value]));
}
