import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { startAppservice, type TestAppservice } from '../kit/start-appservice.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, type TestUser } from '../kit/test-user.ts';

const CLIENT = '/_matrix/client/v3';

const cleanup = createCleanup();
let bridge: TestAppservice;
let server: TestServer;
let admin: TestUser;
let romeo: TestUser;

beforeAll(async () => {
  bridge = cleanup.use(await startAppservice({ url: null }));
  server = cleanup.use(await startServer({ config: { guests: true, appservices: [bridge.file] } }));
  admin = await server.user('escalus');
  romeo = await server.user('romeo');
});
afterAll(() => cleanup.run());

test.each([
  '/_matrix/client/v3/nothing',
  '/_matrix/client/v99/sync',
  '/_matrix/client/unstable/org.example/thing',
  '/_matrix/client',
  '/_matrix/media/v3/nothing',
  '/_matrix/federation/v1/nothing',
  '/_matrix/federation/v9/send/1',
  '/_matrix/key/v1/server',
  '/_matrix/app/v1/nothing',
  '/_matrix/nothing',
  '/_matrix/',
  '/_synapse/admin/v1/nothing',
])('nothing is served at %s, by whatever method', async (path) => {
  for (const method of ['GET', 'PUT', 'POST', 'DELETE', 'PATCH']) {
    const answer = await callServer(server.url, method, path, method === 'GET' ? undefined : {});
    expect(answer, method).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  }
});

test.each([
  ['POST', '/_matrix/client/versions'],
  ['DELETE', '/_matrix/client/v3/sync'],
  ['GET', '/_matrix/client/v3/createRoom'],
  ['PATCH', '/_matrix/client/v3/rooms/!a:b/send/m.room.message/1'],
  ['DELETE', '/_matrix/media/v3/upload'],
  ['POST', '/_matrix/federation/v1/version'],
  ['DELETE', '/_matrix/federation/v1/send/1'],
  ['PUT', '/_matrix/key/v2/server'],
])('%s is no method of %s', async (method, path) => {
  const answer = await callServer(server.url, method, path, method === 'GET' ? undefined : {});
  expect(answer).toMatchObject({ status: 405, body: { errcode: 'M_UNRECOGNIZED' } });
});

test.each([
  '/_matrix/client/v3/sync',
  '/_matrix/client/versions',
  '/_matrix/client/v3/nothing',
  '/_matrix/media/v3/upload',
  '/.well-known/matrix/client',
])('a preflight of %s needs no token and allows what clients send', async (path) => {
  const response = await fetch(server.url + path, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example.org',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'authorization',
    },
  });
  expect([200, 204]).toContain(response.status);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'])
    expect(response.headers.get('access-control-allow-methods')).toContain(method);
  for (const header of ['X-Requested-With', 'Content-Type', 'Authorization'])
    expect(response.headers.get('access-control-allow-headers')).toContain(header);
});

test('HEAD is answered like GET, without the body', async () => {
  const response = await fetch(`${server.url}/_matrix/client/versions`, { method: 'HEAD' });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('application/json');
  expect(await response.text()).toBe('');
});

test('versions are told to anyone, and to who shows a token', async () => {
  const open = await callServer(server.url, 'GET', '/_matrix/client/versions');
  expect(open.body['versions']).toContain('v1.1');
  await expect(romeo.call('GET', '/_matrix/client/versions')).resolves.toEqual(open.body);
  await expect(callServer(server.url, 'GET', '/_matrix/client/versions', undefined, 'nonsense')).resolves.toMatchObject({
    status: 401,
    body: { errcode: 'M_UNKNOWN_TOKEN' },
  });
});

test('capabilities say what this account can do', async () => {
  const { capabilities } = await romeo.call('GET', `${CLIENT}/capabilities`);
  expect(capabilities).toMatchObject({
    'm.change_password': { enabled: true },
    'm.room_versions': { default: '12', available: { 1: 'stable', 12: 'stable' } },
    'm.set_displayname': { enabled: true },
    'm.set_avatar_url': { enabled: true },
    'm.3pid_changes': { enabled: true },
    'm.get_login_token': { enabled: true },
    'm.profile_fields': { enabled: true },
    'm.forget_forced_upon_leave': { enabled: false },
  });
  expect(capabilities).not.toHaveProperty(['m.account_moderation']);
  await expect(admin.call('GET', `${CLIENT}/capabilities`)).resolves.toMatchObject({
    capabilities: { 'm.account_moderation': { suspend: true, lock: true } },
  });
  await expect(bridge.call(server.url, 'GET', `${CLIENT}/capabilities`)).resolves.toMatchObject({
    body: { capabilities: { 'm.change_password': { enabled: false }, 'm.get_login_token': { enabled: false } } },
  });
});
