import { endpointsByApi } from 'federation-spec/api/all-endpoints.ts';
import type { Endpoint } from 'federation-spec/api/endpoint.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  fillPath,
  HOSTILE_KINDS,
  HOSTILE_TEXTS,
  HOSTILE_VALUES,
  listPlaces,
  plainValueOf,
  propertiesOf,
  replaceAt,
  requiredOf,
} from '../client-api/bad-input.ts';
import { createCleanup } from '../kit/cleanup.ts';
import { type HostilePeer, startHostilePeer } from '../kit/hostile-peer.ts';
import type { TestServer } from '../kit/start-server.ts';
import { startServers } from '../kit/start-servers.ts';
import type { TestUser } from '../kit/test-user.ts';

/** How many of the hostile values are tried at one place; the next place has those that come next. */
const TRIED_AT_ONE_PLACE = 3;
/** Not everything can be signed; what cannot is refused for its signature. */
const REFUSED_STATUSES = [400, 401, 403, 404];

const cleanup = createCleanup();
let server: TestServer;
let peer: HostilePeer;
let romeo: TestUser;
let roomId: string;
let params: Record<string, string>;
const served = new Set<Endpoint>();

beforeAll(async () => {
  const servers = cleanup.use(await startServers(1));
  server = servers.at(0);
  peer = cleanup.use(await startHostilePeer(servers.ca));
  for (const { endpoint } of server.routes()) served.add(endpoint);
  romeo = await server.user('romeo');
  roomId = await romeo.createRoom({ preset: 'public_chat' });
  const { joinId } = await peer.join(server, roomId, 'tybalt');
  const given = { roomId, eventId: joinId, userId: `@tybalt:${peer.name}`, txnId: 'x', serverName: server.name, mediaId: 'x' };
  params = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, encodeURIComponent(value)]));
});
afterAll(() => cleanup.run());

function searchOf(endpoint: Endpoint, query: string): string {
  const required = requiredOf(endpoint.query).map((key) => `${key}=${String(plainValueOf(propertiesOf(endpoint.query)[key] ?? {}))}`);
  const all = [...required.filter((part) => !query.startsWith(part.slice(0, part.indexOf('=') + 1))), ...(query === '' ? [] : [query])];
  return all.length === 0 ? '' : `?${all.join('&')}`;
}

async function attempt(
  endpoint: Endpoint,
  what: string,
  { path = fillPath(endpoint, params), query = '', body = plainBody(endpoint) } = {},
) {
  const answer = await peer.open(
    server,
    endpoint.method,
    `${path}${searchOf(endpoint, query)}`,
    endpoint.method === 'GET' ? undefined : body,
  );
  // Another server may be out of reach: ours says so of what it was to ask it.
  if (answer.status !== 502) expect(answer.status, `${what}: ${new TextDecoder().decode(answer.bytes).slice(0, 200)}`).toBeLessThan(500);
}

const plainBody = (endpoint: Endpoint): unknown => (endpoint.body === 'raw' ? {} : plainValueOf(endpoint.body));

let tried = 0;
function someOf<Value>(values: readonly Value[]): Value[] {
  return Array.from({ length: TRIED_AT_ONE_PLACE }, () => values[tried++ % values.length] as Value);
}

describe.each(endpointsByApi.server.filter(({ auth }) => auth === 'federation').map((endpoint) => [endpoint.id, endpoint] as const))(
  '%s',
  (_id, endpoint) => {
    test('is served to who signs the request', async ({ skip }) => {
      if (!served.has(endpoint)) skip();
      const body = endpoint.method === 'GET' ? undefined : '{}';
      const response = await fetch(`${server.url}${fillPath(endpoint, params)}${searchOf(endpoint, '')}`, {
        method: endpoint.method,
        ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
      });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ errcode: expect.stringMatching(/^M_UNAUTHORIZED$|^M_FORBIDDEN$/) });
    });

    test('refuses a body that is not what it takes', async ({ skip }) => {
      if (!served.has(endpoint) || endpoint.method === 'GET' || endpoint.body === 'raw') skip();
      for (const body of [[], 'text', 1]) {
        const path = `${fillPath(endpoint, params)}${searchOf(endpoint, '')}`;
        const { status } = await peer.open(server, endpoint.method, path, body);
        expect(REFUSED_STATUSES, `${JSON.stringify(body)}: ${status}`).toContain(status);
      }
    });

    test('does not fall over hostile input', async ({ skip }) => {
      if (!served.has(endpoint)) skip();
      for (const name of Object.keys(endpoint.params.properties)) {
        for (const text of someOf(HOSTILE_TEXTS))
          await attempt(endpoint, `${name}=${text}`, { path: fillPath(endpoint, { ...params, [name]: text }) });
      }
      for (const name of Object.keys(endpoint.query.properties)) {
        for (const text of someOf(HOSTILE_TEXTS)) await attempt(endpoint, `?${name}=${text}`, { query: `${name}=${text}` });
      }
      if (endpoint.method === 'GET' || endpoint.body === 'raw') return;
      const whole = plainValueOf(endpoint.body, true);
      for (const place of [...listPlaces(whole), ['anything']]) {
        for (const value of someOf(place.length === 1 ? HOSTILE_VALUES : HOSTILE_KINDS)) {
          const body = replaceAt(place.length === 1 ? plainBody(endpoint) : whole, place, value);
          await attempt(endpoint, `${place.join('.')}: ${JSON.stringify(value).slice(0, 60)}`, { body: JSON.parse(JSON.stringify(body)) });
        }
      }
    });
  },
);

test('after all of it the room goes on, with the other server in it', async () => {
  const eventId = await romeo.send(roomId, 'still here');
  const members = (await romeo.state(roomId)).filter(({ type }) => type === 'm.room.member').map(({ state_key: key }) => key);
  expect(members).toContain(`@tybalt:${peer.name}`);
  expect(eventId).toMatch(/^\$/);
});
