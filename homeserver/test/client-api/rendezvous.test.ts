import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, type TestUser } from '../kit/test-user.ts';

const clock = createFakeClock();
let server: TestServer;
let romeo: TestUser;
beforeAll(async () => {
  server = await startServer({ clock });
  romeo = await server.user('romeo');
});
afterAll(() => server[Symbol.asyncDispose]());

const PATH = '/_matrix/client/unstable/io.element.msc4388/rendezvous';
const ETAG_PATH = '/_matrix/client/unstable/org.matrix.msc4108/rendezvous';
const anyone = (method: string, path: string, body?: unknown) => callServer(server.url, method, path, body);

test('two devices take turns at one text; who was too slow is told so', async () => {
  expect(await romeo.call('GET', PATH)).toEqual({ create_available: true });
  const opened = await romeo.call('POST', PATH, { data: 'hello' });
  expect(opened).toMatchObject({ id: expect.any(String), expires_in_ms: 120_000 });
  const at = `${PATH}/${opened['id']}`;
  const read = await anyone('GET', at);
  expect(read.body).toMatchObject({ data: 'hello', sequence_token: opened['sequence_token'] });
  const write = (sequence_token: unknown, data: string) => anyone('PUT', at, { sequence_token, data });
  const written = await write(read.body['sequence_token'], 'good morrow');
  expect(written).toMatchObject({ status: 200, body: { sequence_token: expect.any(String) } });
  expect(written.body['sequence_token']).not.toBe(opened['sequence_token']);
  expect(await write(read.body['sequence_token'], 'good night')).toMatchObject({
    status: 409,
    body: { errcode: 'IO_ELEMENT_MSC4388_CONCURRENT_WRITE' },
  });
  // The answer to a write was lost: the same again is the same.
  expect((await write(read.body['sequence_token'], 'good morrow')).body).toEqual(written.body);
  expect((await anyone('DELETE', at)).status).toBe(200);
  for (const method of ['GET', 'DELETE']) expect(await anyone(method, at)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
});

test('sessions are opened by who is logged in, are short, and end by themselves', async () => {
  expect((await anyone('GET', PATH)).body).toEqual({ create_available: false });
  expect(await anyone('POST', PATH, { data: 'x' })).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  expect(await romeo.attempt('POST', PATH, { data: 'x'.repeat(4_097) })).toMatchObject({ status: 413, body: { errcode: 'M_TOO_LARGE' } });
  const { id, sequence_token } = await romeo.call('POST', PATH, { data: 'x'.repeat(4_096) });
  expect((await anyone('PUT', `${PATH}/${id}`, { sequence_token, data: 'x'.repeat(4_097) })).status).toBe(413);
  const page = await fetch(`${server.url}${PATH}/${id}`, { headers: { 'Sec-Fetch-Dest': 'document' } });
  expect(page.status).toBe(403);
  clock.advance(120_001);
  expect((await anyone('GET', `${PATH}/${id}`)).status).toBe(404);
});

test('the elder kind keeps its version in the ETag', async () => {
  const send = (method: string, url: string, headers: Record<string, string>, body?: string) =>
    fetch(url, {
      method,
      headers: { ...(body === undefined ? {} : { 'Content-Type': 'text/plain' }), ...headers },
      ...(body === undefined ? {} : { body }),
    });
  const opened = await send('POST', server.url + ETAG_PATH, {}, 'hello');
  expect(opened.status).toBe(201);
  expect(opened.headers.get('access-control-expose-headers')).toContain('ETag');
  const { url } = (await opened.json()) as { url: string };
  const etag = opened.headers.get('etag') ?? '';
  expect(Date.parse(opened.headers.get('expires') ?? '')).toBeGreaterThan(clock.now());

  const read = await send('GET', url, {});
  expect([await read.text(), read.headers.get('etag'), read.headers.get('content-type')]).toEqual(['hello', etag, 'text/plain']);
  expect((await send('GET', url, { 'If-None-Match': etag })).status).toBe(304);
  const written = await send('PUT', url, { 'If-Match': etag }, 'good morrow');
  expect(written.status).toBe(202);
  const late = await send('PUT', url, { 'If-Match': etag }, 'good night');
  expect(late.status).toBe(412);
  expect(await late.json()).toMatchObject({ 'org.matrix.msc4108.errcode': 'M_CONCURRENT_WRITE' });
  expect(late.headers.get('etag')).toBe(written.headers.get('etag'));
  expect((await send('PUT', url, {}, 'x')).status).toBe(400);
  expect((await send('POST', server.url + ETAG_PATH, {}, 'x'.repeat(5_000))).status).toBe(413);
  expect((await send('POST', server.url + ETAG_PATH, { 'Content-Type': 'application/json' }, '{}')).status).toBe(400);
  expect((await send('DELETE', url, {})).status).toBe(204);
  expect((await send('GET', url, {})).status).toBe(404);
});
