import { endpointsByApi } from 'federation-spec/api/all-endpoints.ts';
import type { Endpoint } from 'federation-spec/api/endpoint.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import {
  fillPath,
  HOSTILE_KINDS,
  HOSTILE_TEXTS,
  HOSTILE_VALUES,
  isJsonBody,
  listPlaces,
  plainValueOf,
  propertiesOf,
  replaceAt,
  requiredOf,
} from './bad-input.ts';

const MAX_ANSWER_MS = 15_000;
const USUAL_LIMIT_BYTES = 1024 * 1024;
/** Their answers are pages or bytes, their bodies forms. */
const NOT_JSON: ReadonlySet<string> = new Set(endpointsByApi.client.filter(({ body }) => body === 'raw').map(({ id }) => id));

/** What stands in a path unless a scene says otherwise. */
const PLAIN_PARAMS = {
  roomAlias: '#a:hs.test',
  stateKey: '',
  scope: 'global',
  kind: 'underride',
  receiptType: 'm.read',
  serverName: 'hs.test',
};
/** With a body that moves no marker there is nothing to refuse, and what is unknown is forgotten already. */
const NEEDS_NO_ROOM: ReadonlySet<string> = new Set(['setReadMarker', 'forgetRoom']);

const cleanup = createCleanup();
let server: TestServer;
let owner: TestUser;
let nobody: TestUser;
let roomId: string;
let params: Record<string, string>;
const served = new Map<Endpoint, number>();

beforeAll(async () => {
  server = cleanup.use(await startServer({ config: { registrationSecret: 'secret', guests: true } }));
  for (const { endpoint, options } of server.routes()) served.set(endpoint, options.maxBodyBytes ?? USUAL_LIMIT_BYTES);
  owner = await server.user('owner');
  nobody = await server.user('nobody');
  roomId = await owner.createRoom({ preset: 'public_chat' });
  const eventId = await owner.send(roomId, 'hello');
  params = Object.fromEntries(
    Object.entries({ ...PLAIN_PARAMS, roomId, roomIdOrAlias: roomId, eventId, threadRoot: eventId, userId: owner.id }).map(
      ([name, value]) => [name, encodeURIComponent(value)],
    ),
  );
});
afterAll(() => cleanup.run());

/** What an admin does to an account is done to one that nobody needs. */
function paramsOf(endpoint: Endpoint): Record<string, string> {
  return ADMIN.has(endpoint) ? { ...params, userId: encodeURIComponent(nobody.id) } : params;
}

type Call = { token?: string | undefined; body?: string | undefined; query?: string; path?: string };

async function call(endpoint: Endpoint, { token, body, query = '', path = fillPath(endpoint, paramsOf(endpoint)) }: Call) {
  const required = requiredOf(endpoint.query).map((key) => `${key}=${String(plainValueOf(propertiesOf(endpoint.query)[key] ?? {}))}`);
  const search = [...required.filter((part) => !query.startsWith(part.slice(0, part.indexOf('=') + 1))), 'timeout=0', query].join('&');
  const response = await fetch(`${server.url}${path}?${search}`, {
    method: endpoint.method,
    redirect: 'manual',
    headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    ...(body === undefined || endpoint.method === 'GET' ? {} : { body }),
    signal: AbortSignal.timeout(MAX_ANSWER_MS),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const answer = isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, errcode: answer['errcode'], isJson, cors: response.headers.get('access-control-allow-origin') };
}

/** A refusal is told in JSON with a code and is never a fault of ours; another server, of a name that may be one, may be out of reach. */
function checkSane(answer: Awaited<ReturnType<typeof call>>, what: string): void {
  if (answer.status !== 502) expect(answer.status, what).toBeLessThan(500);
  if (answer.status === 401 || answer.status < 400 || !answer.isJson) return;
  expect(answer.errcode, `${what}: ${answer.status}`).toMatch(/^[A-Z]+_[A-Z0-9_]+$/);
}

const plainBody = (endpoint: Endpoint) => (endpoint.body === 'raw' ? {} : (plainValueOf(endpoint.body) as Record<string, unknown>));

/** What existing tools call to administer a server is called here by its admin, about a room that nobody knows. */
const ADMIN: ReadonlySet<Endpoint> = new Set(endpointsByApi.admin);
const OPERATIONS = [...endpointsByApi.client, ...endpointsByApi.admin];

describe.each(OPERATIONS.map((endpoint) => [endpoint.id, endpoint] as const))('%s', (_id, endpoint) => {
  const needsToken = endpoint.auth === 'access-token' || endpoint.auth === 'appservice';

  test.runIf(needsToken)('asks for a token, and for a good one', async ({ skip }) => {
    if (!served.has(endpoint)) skip();
    const missing = await call(endpoint, { body: '{}' });
    expect(missing).toMatchObject({ status: 401, errcode: 'M_MISSING_TOKEN', cors: '*' });
    const unknown = await call(endpoint, { token: 'nonsense', body: '{}' });
    expect(unknown).toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN', cors: '*' });
  });

  test.runIf(isJsonBody(endpoint) && endpoint.auth !== 'appservice')('refuses a body that is not what it takes', async ({ skip }) => {
    const limit = served.get(endpoint);
    if (limit === undefined) skip();
    const token = needsToken ? owner.accessToken : undefined;
    for (const body of ['{', 'nonsense', '\u0000', '{"a":1,}'])
      expect(await call(endpoint, { token, body }), body).toMatchObject({ status: 400, errcode: 'M_NOT_JSON' });
    for (const body of ['[]', '1', '"text"', 'null'])
      expect(await call(endpoint, { token, body }), body).toMatchObject({
        status: 400,
        errcode: expect.stringMatching(/^M_BAD_JSON$|^M_INVALID_PARAM$/),
      });
    for (const key of requiredOf(endpoint.body)) {
      const { [key]: _left, ...rest } = plainBody(endpoint);
      expect(await call(endpoint, { token, body: JSON.stringify(rest) }), key).toMatchObject({
        status: 400,
        errcode: expect.stringMatching(/^M_MISSING_PARAM$|^M_BAD_JSON$/),
      });
    }
    if (limit !== undefined && limit <= 4 * USUAL_LIMIT_BYTES) {
      const body = `{"a":"${'x'.repeat(limit)}"}`;
      expect(await call(endpoint, { token, body })).toMatchObject({ status: 413, errcode: 'M_TOO_LARGE' });
    }
  });

  test.runIf('roomId' in endpoint.params.properties && needsToken)('knows no room that is not there', async ({ skip }) => {
    if (!served.has(endpoint) || endpoint.auth === 'appservice' || ADMIN.has(endpoint) || NEEDS_NO_ROOM.has(endpoint.id)) skip();
    const path = fillPath(endpoint, { ...params, roomId: encodeURIComponent('!nowhere:hs.test') });
    const answer = await call(endpoint, { token: owner.accessToken, path, body: JSON.stringify(plainBody(endpoint)) });
    expect([400, 403, 404], String(answer.status)).toContain(answer.status);
    expect(answer.errcode).toMatch(/^M_/);
  });

  test.runIf(ADMIN.has(endpoint) && needsToken)('is for admins', async ({ skip }) => {
    if (!served.has(endpoint)) skip();
    const { accessToken: token } = await newUser();
    const answer = await call(endpoint, { token, body: JSON.stringify(plainBody(endpoint)) });
    expect(answer).toMatchObject({ status: 403, errcode: 'M_FORBIDDEN' });
  });

  test('does not fall over hostile input', async ({ skip }) => {
    if (!served.has(endpoint)) skip();
    const plain = { ...paramsOf(endpoint), ...(ADMIN.has(endpoint) ? { roomId: encodeURIComponent('!nowhere:hs.test') } : {}) };
    let victim = ADMIN.has(endpoint) ? owner : needsToken || endpoint.auth === 'optional-access-token' ? await newUser() : undefined;
    const attempt = async (what: string, given: Call) => {
      const answer = await call(endpoint, { token: victim?.accessToken, path: fillPath(endpoint, plain), ...given });
      checkSane(answer, what);
      if (victim !== undefined && answer.errcode === 'M_UNKNOWN_TOKEN') victim = await newUser();
      if (victim !== undefined && endpoint.id.startsWith('logout')) victim = await newUser();
    };
    for (const name of Object.keys(endpoint.params.properties)) {
      for (const text of someOf(HOSTILE_TEXTS)) {
        const path = fillPath(endpoint, { ...plain, [name]: text });
        await attempt(`${name}=${text.slice(0, 40)} in the path`, { path, body: JSON.stringify(plainBody(endpoint)) });
      }
    }
    for (const name of Object.keys(endpoint.query.properties).filter((query) => query !== 'timeout')) {
      for (const text of someOf(HOSTILE_TEXTS))
        await attempt(`${name}=${text.slice(0, 40)} in the query`, { query: `${name}=${text}`, body: '{}' });
    }
    if (endpoint.method === 'GET' || NOT_JSON.has(endpoint.id)) return;
    const whole = endpoint.body === 'raw' ? {} : plainValueOf(endpoint.body, true);
    for (const place of [...listPlaces(whole), ['anything']]) {
      for (const value of someOf(place.length === 1 ? HOSTILE_VALUES : HOSTILE_KINDS)) {
        const body = JSON.stringify(replaceAt(place.length === 1 ? plainBody(endpoint) : whole, place, value));
        await attempt(`${place.join('.')}: ${JSON.stringify(value).slice(0, 60)}`, { body });
      }
    }
  });
});

/** How many of the hostile values are tried at one place; the next place has those that come next. */
const TRIED_AT_ONE_PLACE = 4;
let tried = 0;

function someOf<Value>(values: readonly Value[]): Value[] {
  return Array.from({ length: TRIED_AT_ONE_PLACE }, () => values[tried++ % values.length] as Value);
}

async function newUser(): Promise<TestUser> {
  const user = await server.user('victim');
  await user.join(roomId);
  return user;
}
