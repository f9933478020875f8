import { createHash } from 'node:crypto';
import { readJson } from 'federation-spec/canonical-json/read-json.ts';
import { isJsonObject, type JsonObject, type JsonValue } from 'federation-spec/events/event.ts';
import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import type { HttpClient } from '../../platform/http-client/http-client.ts';
import { badGateway, invalidParam } from '../../platform/matrix-error.ts';
import type { IdentityServers, StoredInvite, ThirdPartyAddress } from '../rooms/third-party/identity-servers.ts';

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
/** Most keys that are kept of one invite. */
const MAX_KEYS = 5;
const API = '/_matrix/identity/v2';

/** `http` must be the guarded client: users say which server is asked. https://spec.matrix.org/latest/identity-service-api/ */
export function createIdentityServers({ http }: { http: HttpClient }): IdentityServers {
  async function call(
    method: 'GET' | 'POST',
    { idServer, idAccessToken }: Pick<ThirdPartyAddress, 'idServer' | 'idAccessToken'>,
    path: string,
    body?: JsonObject,
  ): Promise<JsonObject> {
    if (parseServerName(idServer) === undefined) throw invalidParam(`${idServer} is no name of an identity server.`);
    const headers = {
      ...(idAccessToken === undefined ? {} : { authorization: `Bearer ${idAccessToken}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    return await fetchJson(`https://${idServer}${API}${path}`, { method, headers, ...sent }, idServer);
  }

  async function fetchJson(
    url: string,
    request: { method: 'GET' | 'POST'; headers?: Record<string, string>; body?: string },
    name: string,
  ): Promise<JsonObject> {
    const response = await http.request({ ...request, url, timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES }).catch((cause: unknown) => {
      throw Object.assign(badGateway(`The identity server ${name} could not be reached.`), { cause });
    });
    const read = response.status === 200 ? readJson(response.body) : undefined;
    if (read?.ok !== true || !isJsonObject(read.value)) throw badGateway(`The identity server ${name} answered ${response.status}.`);
    return read.value;
  }

  return {
    lookup: async (wanted) => {
      const { algorithms, lookup_pepper: pepper } = await call('GET', wanted, '/hash_details');
      if (typeof pepper !== 'string' || !Array.isArray(algorithms)) throw badGateway(`${wanted.idServer} does not say how to ask it.`);
      const algorithm = ['sha256', 'none'].find((known) => algorithms.includes(known));
      if (algorithm === undefined) throw badGateway(`${wanted.idServer} knows no way of asking that this server knows.`);
      const plain = `${wanted.address} ${wanted.medium}`;
      const asked = algorithm === 'none' ? plain : createHash('sha256').update(`${plain} ${pepper}`).digest('base64url');
      const { mappings } = await call('POST', wanted, '/lookup', { addresses: [asked], algorithm, pepper });
      const userId = isJsonObject(mappings) && Object.hasOwn(mappings, asked) ? mappings[asked] : undefined;
      return typeof userId === 'string' ? userId : undefined;
    },
    storeInvite: async (wanted, about) => {
      const { medium, address } = wanted;
      return readStoredInvite(await call('POST', wanted, '/store-invite', { ...about, medium, address }), wanted.idServer);
    },
    isKeyValid: async (validityUrl, publicKey) => {
      const url = URL.parse(validityUrl);
      if (url === null) throw badGateway(`${validityUrl} is no address at which a key could be checked.`);
      url.searchParams.set('public_key', publicKey);
      return (await fetchJson(url.href, { method: 'GET' }, url.host))['valid'] === true;
    },
  };
}

function readStoredInvite(
  { token, display_name: displayName, public_keys: keys, public_key: older }: JsonObject,
  server: string,
): StoredInvite {
  const listed: JsonValue[] = Array.isArray(keys) ? keys : [{ public_key: older ?? null }];
  const publicKeys = listed.slice(0, MAX_KEYS).flatMap((entry) => {
    const { public_key: publicKey, key_validity_url: url } = isJsonObject(entry) ? entry : {};
    if (typeof publicKey !== 'string') return [];
    return [{ public_key: publicKey, ...(typeof url === 'string' ? { key_validity_url: url } : {}) }];
  });
  if (typeof token !== 'string' || typeof displayName !== 'string' || publicKeys.length === 0)
    throw badGateway(`The identity server ${server} did not keep the invite.`);
  return { token, displayName, publicKeys };
}
