import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { endpoint } from 'federation-spec/api/endpoint.ts';
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import type { Authenticate } from '../../src/edge/http/requester.ts';
import { raw, route } from '../../src/edge/http/route.ts';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startEdge } from '../kit/start-edge.ts';
import { callServer } from '../kit/test-user.ts';

const AnyObject = Type.Record(Type.String(), Type.Unknown());

const greet = endpoint({
  id: 'greet',
  method: 'PUT',
  path: '/_matrix/client/v3/greet/:name',
  auth: 'access-token',
  params: Type.Object({ name: Type.String() }),
  query: Type.Object({ via: Type.Optional(Type.String()) }),
  body: Type.Object({ words: Type.String(), tone: Type.Optional(Type.Object({ loud: Type.Boolean() })) }),
  response: AnyObject,
});
const greetRoute = route(greet, async ({ params, query, body, requester }) => ({
  name: params.name,
  words: body.words,
  by: requester.userId,
  ...(query.via === undefined ? {} : { via: query.via }),
}));

const echo = endpoint({
  id: 'echo',
  method: 'POST',
  path: '/_matrix/client/v3/echo',
  auth: 'none',
  body: Type.Record(Type.String(), Type.Unknown()),
  response: AnyObject,
  rateLimit: 'login',
});
const echoRoute = route(echo, async ({ body }) => body);

const path = '/_matrix/client/v3/greet/juliet';

test('a handler sees what the endpoint declares, and who calls', async () => {
  await using edge = await startEdge({ routes: [greetRoute] });
  const answer = await callServer(edge.url, 'PUT', '/_matrix/client/v3/greet/caf%C3%A9%2F1?via=nurse', { words: 'hark' }, 'romeo');
  expect(answer).toMatchObject({ status: 200, body: { name: 'café/1', words: 'hark', by: '@romeo:hs.test', via: 'nurse' } });
  expect(answer.headers.get('access-control-allow-origin')).toBe('*');
});

test('older clients call the same endpoints by their r0 names, or with the token in the query', async () => {
  await using edge = await startEdge({ routes: [greetRoute] });
  await expect(callServer(edge.url, 'PUT', path.replace('v3', 'r0'), { words: 'hark' }, 'romeo')).resolves.toMatchObject({ status: 200 });
  await expect(callServer(edge.url, 'PUT', `${path}?access_token=romeo`, { words: 'hark' })).resolves.toMatchObject({ status: 200 });
});

test.each([
  ['no token', path, '{"words":"x"}', undefined, 401, 'M_MISSING_TOKEN'],
  ['a wrong token', path, '{"words":"x"}', 'tybalt', 401, 'M_UNKNOWN_TOKEN'],
  ['no JSON', path, '{"words":', 'romeo', 400, 'M_NOT_JSON'],
  ['a list', path, '[]', 'romeo', 400, 'M_BAD_JSON'],
  ['a missing key', path, '{}', 'romeo', 400, 'M_MISSING_PARAM'],
  ['a key missing deeper down', path, '{"words":"x","tone":{}}', 'romeo', 400, 'M_BAD_JSON'],
  ['a value of the wrong type', path, '{"words":1}', 'romeo', 400, 'M_BAD_JSON'],
  ['NUL in text', path, '{"words":"\\u0000"}', 'romeo', 400, 'M_BAD_JSON'],
  ['half a surrogate pair', path, '{"words":"\\ud800"}', 'romeo', 400, 'M_BAD_JSON'],
  ['nesting without end', path, `{"words":"x","more":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'romeo', 400, 'M_BAD_JSON'],
  ['two megabytes', path, `{"words":"${'x'.repeat(2_000_000)}"}`, 'romeo', 413, 'M_TOO_LARGE'],
  ['a path that is not UTF-8', '/_matrix/client/v3/greet/%ff', '{"words":"x"}', 'romeo', 400, 'M_INVALID_PARAM'],
  ['NUL in the path', '/_matrix/client/v3/greet/%00', '{"words":"x"}', 'romeo', 400, 'M_INVALID_PARAM'],
  ['an unknown path', '/_matrix/client/v3/great/juliet', '{}', 'romeo', 404, 'M_UNRECOGNIZED'],
])('%s is refused by its own code', async (_what, target, body, token, status, errcode) => {
  await using edge = await startEdge({ routes: [greetRoute] });
  await expect(callServer(edge.url, 'PUT', target, body, token)).resolves.toMatchObject({
    status,
    body: { errcode, error: expect.any(String) },
  });
});

test('a known path called by another method is told so', async () => {
  await using edge = await startEdge({ routes: [greetRoute] });
  await expect(callServer(edge.url, 'DELETE', path)).resolves.toMatchObject({ status: 405, body: { errcode: 'M_UNRECOGNIZED' } });
});

test('a guest reaches only what is open to guests, and a suspended account cannot speak', async () => {
  const sendMessage = endpoint({ ...echo, id: 'sendMessage', auth: 'access-token', path: '/_matrix/client/v3/send', guests: true });
  const whisper = endpoint({ ...echo, id: 'whisper', auth: 'access-token', path: '/_matrix/client/v3/whisper' });
  const routes = [sendMessage, whisper].map((open) => route(open, async ({ body }) => body));
  const requester = { userId: '@puck:hs.test', userNid: 1, deviceId: 'WOOD', isAdmin: false };
  const authenticate: Authenticate = ({ accessToken }) => ({
    ...requester,
    isGuest: accessToken === 'guest',
    isSuspended: accessToken === 'suspended',
  });
  await using edge = await startEdge({ routes, authenticate });
  const attempt = (name: string, token: string) => callServer(edge.url, 'POST', `/_matrix/client/v3/${name}`, {}, token);
  await expect(attempt('send', 'guest')).resolves.toMatchObject({ status: 200 });
  await expect(attempt('whisper', 'guest')).resolves.toMatchObject({ status: 403, body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' } });
  await expect(attempt('whisper', 'suspended')).resolves.toMatchObject({ status: 200 });
  await expect(attempt('send', 'suspended')).resolves.toMatchObject({ status: 403, body: { errcode: 'M_USER_SUSPENDED' } });
});

test('bytes that are not UTF-8 are not JSON', async () => {
  await using edge = await startEdge({ routes: [echoRoute] });
  const response = await fetch(`${edge.url}/_matrix/client/v3/echo`, {
    method: 'POST',
    body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  });
  expect(response.status).toBe(400);
  await expect(response.json()).resolves.toMatchObject({ errcode: 'M_NOT_JSON' });
});

test('a body without end is cut off', async () => {
  await using edge = await startEdge({ routes: [echoRoute] });
  const endless = Readable.from(
    (function* () {
      for (let sent = 0; sent < 64; sent += 1) yield Buffer.alloc(65_536, 0x20);
    })(),
  );
  const response = await fetch(`${edge.url}/_matrix/client/v3/echo`, {
    method: 'POST',
    body: Readable.toWeb(endless) as ReadableStream,
    duplex: 'half',
  } as RequestInit);
  expect(response.status).toBe(413);
});

test('a __proto__ key is a key like any other', async () => {
  await using edge = await startEdge({ routes: [echoRoute] });
  const response = await fetch(`${edge.url}/_matrix/client/v3/echo`, { method: 'POST', body: '{"__proto__":{"polluted":true}}' });
  await expect(response.text()).resolves.toBe('{"__proto__":{"polluted":true}}');
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('a preflight from any origin is answered without a token', async () => {
  await using edge = await startEdge({ routes: [greetRoute] });
  const response = await fetch(edge.url + path, { method: 'OPTIONS' });
  expect(response.status).toBe(204);
  expect(response.headers.get('access-control-allow-methods')).toBe('GET, POST, PUT, DELETE, OPTIONS');
  expect(response.headers.get('access-control-allow-headers')).toBe('X-Requested-With, Content-Type, Authorization');
});

test('a fault of ours is told without its details', async () => {
  const faulty = route(echo, async () => {
    throw new Error('the database password is hunter2');
  });
  await using edge = await startEdge({ routes: [faulty] });
  await expect(callServer(edge.url, 'POST', '/_matrix/client/v3/echo', {})).resolves.toMatchObject({
    status: 500,
    body: { errcode: 'M_UNKNOWN', error: 'Internal server error' },
  });
});

test('too many calls are told when to come back, and may', async () => {
  const clock = createFakeClock();
  await using edge = await startEdge({ routes: [echoRoute], rateLimits: true, clock });
  const call = () => callServer(edge.url, 'POST', '/_matrix/client/v3/echo', {});
  for (let calls = 0; calls < 10; calls += 1) await expect(call()).resolves.toMatchObject({ status: 200 });
  const refused = await call();
  expect(refused).toMatchObject({ status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 5_000 } });
  expect(refused.headers.get('retry-after')).toBe('5');
  clock.advance(5_000);
  await expect(call()).resolves.toMatchObject({ status: 200 });
});

test('only a trusted proxy says who it speaks for', async () => {
  const whoIsThere = endpoint({ id: 'whoIsThere', method: 'GET', path: '/_matrix/client/v3/ip', auth: 'none', response: AnyObject });
  const routes = [route(whoIsThere, async ({ request }) => ({ ip: request.ip }))];
  const ask = async (url: string, forwardedFor: string) => {
    const response = await fetch(`${url}/_matrix/client/v3/ip`, { headers: { 'X-Forwarded-For': forwardedFor } });
    return await response.json();
  };
  await using wary = await startEdge({ routes });
  await expect(ask(wary.url, '203.0.113.7')).resolves.toEqual({ ip: '127.0.0.1' });
  await using trusting = await startEdge({ routes, trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] });
  await expect(ask(trusting.url, '198.51.100.1, 203.0.113.7, 10.1.2.3')).resolves.toEqual({ ip: '203.0.113.7' });
  await expect(ask(trusting.url, 'nonsense')).resolves.toEqual({ ip: '127.0.0.1' });
});

const blob = (method: 'GET' | 'POST') =>
  endpoint({
    id: `blob${method}`,
    method,
    path: '/_matrix/client/v1/blob',
    auth: 'none',
    body: method === 'GET' ? Type.Object({}) : 'raw',
    response: 'raw',
    rateLimit: 'none',
  });

test('bytes stream in and out at the pace of the slower side', async () => {
  const size = 24 * 1024 * 1024;
  const seen = { bytes: 0, pauses: 0 };
  const upload = route(blob('POST'), async ({ request }) => {
    for await (const chunk of request.stream) {
      seen.bytes += (chunk as Buffer).length;
      if (seen.pauses < 20) {
        seen.pauses += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    return raw({ json: { bytes: seen.bytes } });
  });
  const download = route(blob('GET'), async () => {
    const stream = Readable.from(
      (function* () {
        for (let sent = 0; sent < size; sent += 1024 * 1024) yield Buffer.alloc(1024 * 1024, 0x61);
      })(),
    );
    return raw({ headers: { 'Content-Type': 'application/octet-stream' }, stream, length: size });
  });
  await using edge = await startEdge({ routes: [upload, download] });
  const url = `${edge.url}/_matrix/client/v1/blob`;

  const posted = await fetch(url, { method: 'POST', body: Buffer.alloc(size) });
  await expect(posted.json()).resolves.toEqual({ bytes: size });
  const got = await fetch(url);
  expect(got.headers.get('content-length')).toBe(String(size));
  expect((await got.arrayBuffer()).byteLength).toBe(size);
});

test('a download whose length is unknown ends when its source ends, and breaks off when its source fails', async () => {
  const whole = route(blob('GET'), async () => raw({ stream: Readable.from(['but ', 'soft']) }));
  await using edge = await startEdge({ routes: [whole] });
  await expect(fetch(`${edge.url}/_matrix/client/v1/blob`).then((response) => response.text())).resolves.toBe('but soft');

  const broken = route(blob('GET'), async () =>
    raw({
      stream: Readable.from(
        (async function* () {
          yield 'but ';
          throw new Error('the disk is gone');
        })(),
      ),
    }),
  );
  await using faulty = await startEdge({ routes: [broken] });
  await expect(fetch(`${faulty.url}/_matrix/client/v1/blob`).then((response) => response.text())).rejects.toThrow();
});

const wait = endpoint({ id: 'wait', method: 'GET', path: '/_matrix/client/v3/wait', auth: 'none', response: AnyObject });

test('a client that hangs up ends its long poll', async () => {
  const arrived = Promise.withResolvers<AbortSignal>();
  const waiting = route(wait, async ({ request }) => {
    arrived.resolve(request.signal);
    await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
    return {};
  });
  await using edge = await startEdge({ routes: [waiting] });
  const hangUp = new AbortController();
  const polling = fetch(`${edge.url}/_matrix/client/v3/wait`, { signal: hangUp.signal }).catch(() => 'hung up');
  const signal = await arrived.promise;
  const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
  hangUp.abort();
  await expect(polling).resolves.toBe('hung up');
  await aborted;
});

test('a server that stops lets its long polls answer, and takes no new connection', async () => {
  const arrived = Promise.withResolvers<void>();
  const waiting = route(wait, async ({ request }) => {
    arrived.resolve();
    await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
    return { answered: true };
  });
  await using edge = await startEdge({ routes: [waiting] });
  const polling = callServer(edge.url, 'GET', '/_matrix/client/v3/wait');
  await arrived.promise;
  await edge.stop();
  await expect(polling).resolves.toMatchObject({ status: 200, body: { answered: true } });
  await expect(callServer(edge.url, 'GET', '/_matrix/client/v3/wait')).rejects.toThrow();
});

test('headers of 20 kB are taken, of 40 kB refused', async () => {
  await using edge = await startEdge({ routes: [greetRoute] });
  const ask = (bytes: number) =>
    new Promise<number | undefined>((resolve, reject) => {
      httpRequest(edge.url + path, { headers: { filter: 'x'.repeat(bytes) } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
  await expect(ask(20_000)).resolves.toBe(405);
  await expect(ask(40_000)).resolves.toBe(431);
});

test('a request that is framed in two ways is not served', async () => {
  await using edge = await startEdge({ routes: [echoRoute] });
  const smuggled =
    'POST /_matrix/client/v3/echo HTTP/1.1\r\nHost: hs.test\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: hs.test\r\n\r\n';
  const answer = await new Promise<string>((resolve) => {
    let received = '';
    const socket = connect(edge.port, '127.0.0.1', () => socket.write(smuggled));
    socket.on('data', (chunk) => {
      received += chunk.toString();
    });
    socket.on('close', () => resolve(received));
    socket.setTimeout(3_000, () => socket.destroy());
  });
  expect(answer).not.toContain('200 OK');
});

test('a header value cannot begin another header', async () => {
  const sly = route(blob('GET'), async () => raw({ headers: { 'Content-Disposition': 'x\r\nSet-Cookie: a=b' }, text: '{}' }));
  await using edge = await startEdge({ routes: [sly] });
  const response = await fetch(`${edge.url}/_matrix/client/v1/blob`);
  expect(response.headers.get('set-cookie')).toBeNull();
});

test('requests are counted by their operation', async () => {
  await using edge = await startEdge({ routes: [echoRoute] });
  await callServer(edge.url, 'POST', '/_matrix/client/v3/echo', {});
  await expect(edge.metrics.text()).resolves.toContain(
    'blinkchat_http_request_seconds_count{operation="echo",method="POST",status="200"} 1',
  );
});
