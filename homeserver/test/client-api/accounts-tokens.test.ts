import { expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, logInTestUser, TEST_PASSWORD } from '../kit/test-user.ts';
import { V3 } from './sign-up-steps.ts';

type Pair = { access: string; refresh: string; deviceId: string };

async function logIn(server: TestServer, user: string, extra: Record<string, unknown> = {}): Promise<Pair> {
  const { status, body } = await callServer(server.url, 'POST', `${V3}/login`, {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user },
    password: TEST_PASSWORD,
    refresh_token: true,
    ...extra,
  });
  expect(status).toBe(200);
  return { access: String(body['access_token']), refresh: String(body['refresh_token']), deviceId: String(body['device_id']) };
}

const refresh = (server: TestServer, token: string) => callServer(server.url, 'POST', `${V3}/refresh`, { refresh_token: token });
const whoami = (server: TestServer, token?: string) => callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, token);

test('an access token tells who and which device; others are refused', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  expect(await romeo.call('GET', `${V3}/account/whoami`)).toEqual({ user_id: romeo.id, device_id: romeo.deviceId, is_guest: false });
  expect((await whoami(server)).body['errcode']).toBe('M_MISSING_TOKEN');
  for (const token of ['rubbish', `${romeo.accessToken}x`, romeo.accessToken.slice(0, -10), 'e30.e30.e30']) {
    expect(await whoami(server, token)).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
  }
});

test('an access token outlives a restart of the server', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  await server.restart();
  expect((await whoami(server, romeo.accessToken)).status).toBe(200);
});

test('tokens are verified once and then remembered: no more SQL', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  await romeo.call('GET', `${V3}/account/whoami`);
  server.queries.length = 0;
  await romeo.call('GET', `${V3}/account/whoami`);
  expect(server.queries.filter((query) => query.includes('token_pairs'))).toEqual([]);
});

test('S53: tokens are stored as hashes only', async () => {
  await using server = await startServer();
  await server.user('romeo');
  const pair = await logIn(server, 'romeo');
  const rows = await server.sql`select encode(access_hash, 'escape') as a, encode(refresh_hash, 'escape') as r from token_pairs`;
  expect(JSON.stringify(rows)).not.toContain(pair.refresh);
  expect(JSON.stringify(rows)).not.toContain(pair.access.slice(-40));
});

test('an access token that can be refreshed expires, softly, and its refresh token buys a new pair', async () => {
  const clock = createFakeClock();
  await using server = await startServer({ clock });
  await server.user('romeo');
  const pair = await logIn(server, 'romeo');
  expect((await whoami(server, pair.access)).status).toBe(200);
  clock.advance(3_600_001);
  expect(await whoami(server, pair.access)).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', soft_logout: true } });

  const bought = await refresh(server, pair.refresh);
  expect(bought).toMatchObject({ status: 200, body: { expires_in_ms: 3_600_000 } });
  expect(await whoami(server, String(bought.body['access_token']))).toMatchObject({ status: 200, body: { device_id: pair.deviceId } });
});

test('a refresh token stays good until what it bought is used', async () => {
  await using server = await startServer();
  await server.user('romeo');
  const pair = await logIn(server, 'romeo');
  const lost = await refresh(server, pair.refresh);
  expect((await whoami(server, pair.access)).status).toBe(200);
  const second = await refresh(server, pair.refresh);
  expect(second.status).toBe(200);

  expect((await whoami(server, String(second.body['access_token']))).status).toBe(200);
  expect((await whoami(server, pair.access)).status).toBe(401);
  expect((await whoami(server, String(lost.body['access_token']))).status).toBe(401);
  expect((await whoami(server, String(second.body['access_token']))).status).toBe(200);
});

test('S47: a refresh token shown after what it bought was used logs the device out', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const pair = await logIn(server, 'romeo');
  const bought = await refresh(server, pair.refresh);
  expect((await whoami(server, String(bought.body['access_token']))).status).toBe(200);

  const stolen = await refresh(server, pair.refresh);
  expect(stolen).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
  expect(stolen.body).not.toHaveProperty('soft_logout');
  expect((await whoami(server, String(bought.body['access_token']))).status).toBe(401);
  expect((await refresh(server, String(bought.body['refresh_token']))).status).toBe(401);
  expect((await whoami(server, romeo.accessToken)).status).toBe(200);
});

test('using a bought refresh token counts as the use of its pair', async () => {
  await using server = await startServer();
  await server.user('romeo');
  const pair = await logIn(server, 'romeo');
  const second = await refresh(server, pair.refresh);
  const third = await refresh(server, String(second.body['refresh_token']));
  expect((await whoami(server, String(third.body['access_token']))).status).toBe(200);
  expect((await refresh(server, pair.refresh)).status).toBe(401);
  expect((await whoami(server, String(third.body['access_token']))).status).toBe(401);
});

test('refreshes and first uses at once end with one good pair, and no fault', async () => {
  await using server = await startServer();
  await server.user('romeo');
  const pair = await logIn(server, 'romeo');
  const bought = await Promise.all(Array.from({ length: 4 }, () => refresh(server, pair.refresh)));
  const tokens = bought.map(({ body }) => String(body['access_token']));
  const answers = await Promise.all(tokens.map((token) => whoami(server, token)));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
});

test('log-out refuses the token from then on, and takes the device away', async () => {
  await using server = await startServer();
  const phone = await server.user('romeo');
  const laptop = await logInTestUser(server.url, 'romeo');
  expect(await phone.attempt('POST', `${V3}/logout`, {})).toMatchObject({ status: 200 });
  expect((await whoami(server, phone.accessToken)).body).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  const { devices } = await laptop.call('GET', `${V3}/devices`);
  expect(devices).toMatchObject([{ device_id: laptop.deviceId }]);
  await laptop.call('POST', `${V3}/logout/all`, {});
  expect((await whoami(server, laptop.accessToken)).status).toBe(401);
});

test('logging in again with a device id ends the older tokens of that device', async () => {
  await using server = await startServer();
  await server.user('romeo');
  const before = await logIn(server, 'romeo', { device_id: 'BALCONY' });
  expect((await whoami(server, before.access)).status).toBe(200);
  const after = await logIn(server, 'romeo', { device_id: 'BALCONY' });
  expect((await whoami(server, before.access)).status).toBe(401);
  expect(await whoami(server, after.access)).toMatchObject({ status: 200, body: { device_id: 'BALCONY' } });
  expect((await refresh(server, before.refresh)).status).toBe(401);
});

test('S53: a wrong password and an unknown name are refused in the same words', async () => {
  await using server = await startServer();
  await server.user('romeo');
  const attempt = (user: string, password: string) =>
    callServer(server.url, 'POST', `${V3}/login`, { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password });
  const wrong = await attempt('romeo', 'not this');
  expect(wrong).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  for (const user of ['nobody', '@romeo:elsewhere.test', '@@@', '']) expect((await attempt(user, 'not this')).body).toEqual(wrong.body);
});

test('many wrong passwords for one account slow down everybody who tries it', async () => {
  await using server = await startServer({ config: { rateLimits: true, registration: 'open' } });
  const attempt = () =>
    callServer(server.url, 'POST', `${V3}/login`, {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'romeo' },
      password: 'not this',
    });
  const statuses: number[] = [];
  for (let i = 0; i < 14; i += 1) statuses.push((await attempt()).status);
  expect(statuses.at(0)).toBe(403);
  expect(statuses.at(-1)).toBe(429);
});

test('S45: a locked account is told so on every token, cannot log in, and comes back unlocked', async () => {
  await using server = await startServer();
  const prince = await server.user('escalus');
  const tybalt = await server.user('tybalt');
  const lock = (locked: boolean) => prince.attempt('PUT', `/_matrix/client/v1/admin/lock/${tybalt.id}`, { locked });
  const pair = await logIn(server, 'tybalt');
  expect(await lock(true)).toMatchObject({ status: 200, body: { locked: true } });
  expect(await whoami(server, tybalt.accessToken)).toMatchObject({ status: 401, body: { errcode: 'M_USER_LOCKED', soft_logout: true } });
  expect(await refresh(server, pair.refresh)).toMatchObject({ status: 401, body: { errcode: 'M_USER_LOCKED' } });
  await expect(logInTestUser(server.url, 'tybalt')).rejects.toThrow('M_USER_LOCKED');
  await lock(false);
  expect((await whoami(server, tybalt.accessToken)).status).toBe(200);
  expect(await tybalt.attempt('PUT', `/_matrix/client/v1/admin/lock/${prince.id}`, { locked: true })).toMatchObject({ status: 403 });
});

test('a suspended account reads and leaves, and says nothing until it is let', async () => {
  await using server = await startServer();
  const prince = await server.user('escalus');
  const tybalt = await server.user('tybalt');
  const roomId = await tybalt.createRoom();
  const suspend = (suspended: boolean) => prince.call('PUT', `/_matrix/client/v1/admin/suspend/${tybalt.id}`, { suspended });
  await suspend(true);
  const say = () =>
    tybalt.attempt('PUT', `${V3}/rooms/${encodeURIComponent(roomId)}/send/m.room.message/1`, { body: 'peace?', msgtype: 'm.text' });
  expect(await say()).toMatchObject({ status: 403, body: { errcode: 'M_USER_SUSPENDED' } });
  expect((await tybalt.attempt('POST', `${V3}/createRoom`, {})).status).toBe(403);
  expect((await tybalt.messages(roomId)).length).toBeGreaterThan(0);
  await suspend(false);
  expect((await say()).status).toBe(200);
  await suspend(true);
  await tybalt.leave(roomId);
});

test('a login token lets another client in, once', async () => {
  const clock = createFakeClock();
  await using server = await startServer({ clock });
  const romeo = await server.user('romeo');
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'romeo' }, password: TEST_PASSWORD };
  const make = async () => String((await romeo.call('POST', '/_matrix/client/v1/login/get_token', { auth }))['login_token']);
  const use = (token: string) => callServer(server.url, 'POST', `${V3}/login`, { type: 'm.login.token', token });
  const token = await make();
  expect(await use(token)).toMatchObject({ status: 200, body: { user_id: romeo.id } });
  expect((await use(token)).status).toBe(403);
  const stale = await make();
  clock.advance(120_001);
  expect((await use(stale)).status).toBe(403);
});
