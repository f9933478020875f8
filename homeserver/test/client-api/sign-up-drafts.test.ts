import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { type Answer, callServer, createNames, TEST_PASSWORD } from '../kit/test-user.ts';

const nameOf = createNames();
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const register = (body: object): Promise<Answer> => callServer(server.url, 'POST', '/_matrix/client/v3/register', body);
const dummy = (session: unknown) => ({ type: 'm.login.dummy', session });
const devicesOf = async (token: unknown) =>
  (await callServer(server.url, 'GET', '/_matrix/client/v3/devices', undefined, String(token))).body['devices'];

test('what was said at the beginning of a registration need not be said again with the proof', async () => {
  const username = nameOf('romeo');
  const wish = { username, password: TEST_PASSWORD, device_id: 'LUTE', initial_device_display_name: 'Lute' };
  const begun = await register(wish);
  expect(begun.status).toBe(401);
  const made = await register({ auth: dummy(begun.body['session']) });
  expect(made).toMatchObject({ status: 200, body: { user_id: `@${username}:hs.test`, device_id: 'LUTE' } });
  expect(await devicesOf(made.body['access_token'])).toMatchObject([{ device_id: 'LUTE', display_name: 'Lute' }]);
  const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: username }, password: TEST_PASSWORD };
  expect((await callServer(server.url, 'POST', '/_matrix/client/v3/login', login)).status).toBe(200);
});

test('what is said with the proof counts, and what the session is bound to cannot be changed', async () => {
  const { session } = (await register({ username: 'paris', password: TEST_PASSWORD })).body;
  const username = nameOf('count.paris');
  const made = await register({ username, auth: dummy(session) });
  expect(made).toMatchObject({ status: 200, body: { user_id: `@${username}:hs.test` } });
  expect((await register({ username: 'tybalt', password: TEST_PASSWORD, auth: dummy(session) })).status).toBeGreaterThanOrEqual(400);
});

test('a proof without a session brings nothing of what others began', async () => {
  await register({ username: 'mercutio', password: TEST_PASSWORD });
  expect(await register({ auth: { type: 'm.login.dummy' } })).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
});
