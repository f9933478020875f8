import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, createNames, createTestUser, TEST_PASSWORD } from '../kit/test-user.ts';
import { PASSWORD, V3 } from './sign-up-steps.ts';

const SECRET = 'two households';
/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ config: { guests: true, registrationSecret: SECRET } });
});
afterAll(() => server[Symbol.asyncDispose]());

const register = (body: Record<string, unknown>) =>
  callServer(server.url, 'POST', `${V3}/register`, { password: PASSWORD, auth: { type: 'm.login.dummy' }, ...body });
const logIn = (body: Record<string, unknown>) =>
  callServer(server.url, 'POST', `${V3}/login`, { type: 'm.login.password', password: TEST_PASSWORD, ...body });

test('capitals in a user name become small, and a name taken in small letters is taken in capitals', async () => {
  const name = nameOf('rosaline');
  const capitals = name.toUpperCase();
  expect(await register({ username: `R${name.slice(1)}` })).toMatchObject({ status: 200, body: { user_id: `@${name}:hs.test` } });
  expect(await register({ username: capitals })).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
  const available = (name: string) => callServer(server.url, 'GET', `${V3}/register/available?username=${encodeURIComponent(name)}`);
  expect(await available(name)).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
  expect(await available(capitals)).toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
  expect(await available('Susan')).toMatchObject({ status: 200, body: { available: true } });
  expect(await available('susan')).toMatchObject({ status: 200, body: { available: true } });
});

test.each(['q', '3', '.', '_', '=', '-', '/', '+'])('a user name may have %s in it', async (character) => {
  const username = nameOf(`sam${character}son`);
  expect(await register({ username })).toMatchObject({ status: 200, body: { user_id: `@${username}:hs.test` } });
});

test.each(['!', '"', ':', '?', '\\', '@', '[', ']', '{', '|', '}', '£', 'é', '\n', "'", ' '])(
  'a user name may not have %j in it',
  async (character) => {
    const refused = await register({ username: `greg${character}ory` });
    expect(refused).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_USERNAME' } });
  },
);

test('numbers are for guests, a leading underscore is for application services, and a name has an end', async () => {
  for (const username of ['12345', '_bridge', '', 'x'.repeat(250)]) {
    expect(await register({ username })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_USERNAME' } });
  }
});

test('an account can be made without logging in, with a device of one’s own naming, and with tokens that are refreshed', async () => {
  const [abraham, username] = [nameOf('abraham'), nameOf('balthasar')];
  const quiet = await register({ username: abraham, inhibit_login: true });
  expect(quiet.body).toEqual({ user_id: `@${abraham}:hs.test`, home_server: 'hs.test' });
  const named = await register({ username, device_id: 'HORSE', initial_device_display_name: 'horse', refresh_token: true });
  expect(named.body).toMatchObject({ device_id: 'HORSE', refresh_token: expect.any(String), expires_in_ms: 3_600_000 });
  const device = await callServer(server.url, 'GET', `${V3}/devices/HORSE`, undefined, String(named.body['access_token']));
  expect(device.body).toMatchObject({ device_id: 'HORSE', display_name: 'horse' });
});

test('people log in by any of the ways to say who they are', async () => {
  const romeo = await server.user('romeo');
  for (const who of [
    { identifier: { type: 'm.id.user', user: romeo.localpart } },
    { identifier: { type: 'm.id.user', user: romeo.id } },
    { identifier: { type: 'm.id.user', user: `R${romeo.localpart.slice(1)}` } },
    { user: romeo.localpart },
    { user: romeo.id },
  ]) {
    expect(await logIn(who)).toMatchObject({ status: 200, body: { user_id: romeo.id } });
  }
  const device = await logIn({ user: romeo.localpart, device_id: 'BALCONY' });
  expect(device.body).toMatchObject({ device_id: 'BALCONY', well_known: { 'm.homeserver': { base_url: server.url } } });
});

test('S53: what nobody has is refused like a wrong password, and what cannot be is named', async () => {
  for (const who of [
    { identifier: { type: 'm.id.phone', country: 'IT', phone: '555 0100' } },
    { identifier: { type: 'm.id.thirdparty', medium: 'email', address: 'nobody@verona.test' } },
    { identifier: { type: 'm.id.thirdparty', medium: 'msisdn', address: '390555' } },
    { medium: 'email', address: 'nobody@verona.test' },
    { identifier: { type: 'm.id.user', user: 'nobody' } },
  ]) {
    expect(await logIn(who)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  }
  expect((await logIn({ identifier: { type: 'org.example.face' } })).body).toMatchObject({ errcode: 'M_UNKNOWN' });
  expect((await logIn({})).body).toMatchObject({ errcode: 'M_MISSING_PARAM' });
  expect((await logIn({ user: 'romeo', password: undefined })).body).toMatchObject({ errcode: 'M_MISSING_PARAM' });
  expect((await logIn({ type: 'org.example.magic' })).body).toMatchObject({ errcode: 'M_UNKNOWN' });
});

test('a guest becomes a full account under the same name, and keeps what it has', async () => {
  const { body } = await callServer(server.url, 'POST', `${V3}/register?kind=guest`, {});
  const [guestId, token] = [String(body['user_id']), String(body['access_token'])];
  const username = guestId.slice(1).split(':')[0];
  const whoami = () => callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, token);
  expect((await whoami()).body).toMatchObject({ is_guest: true });
  expect((await register({ username: 'montague', guest_access_token: token })).status).toBe(403);
  expect((await register({ username, guest_access_token: 'made up' })).status).toBe(401);
  expect((await register({ username })).status).toBe(400);
  const full = await register({ username, guest_access_token: token });
  expect(full).toMatchObject({ status: 200, body: { user_id: guestId, access_token: expect.any(String) } });
  expect((await whoami()).body).toMatchObject({ is_guest: false });
  expect((await logIn({ user: username, password: PASSWORD })).status).toBe(200);
  expect((await register({ username, guest_access_token: token })).status).toBe(403);
});

test('a guest enters rooms that let guests in, names itself, and does little else', async () => {
  const juliet = await server.user('juliet');
  const open = await juliet.createRoom({ preset: 'public_chat' });
  await juliet.setState(open, 'm.room.guest_access', { guest_access: 'can_join' });
  const closed = await juliet.createRoom({ preset: 'public_chat' });
  const { body } = await callServer(server.url, 'POST', `${V3}/register?kind=guest`, {});
  const guest = createTestUser(server.url, {
    id: String(body['user_id']),
    deviceId: String(body['device_id']),
    accessToken: String(body['access_token']),
  });
  await guest.join(open);
  await guest.send(open, 'hello');
  expect(await guest.attempt('POST', `${V3}/join/${encodeURIComponent(closed)}`, {})).toMatchObject({
    status: 403,
    body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' },
  });
  await guest.call('PUT', `${V3}/profile/${guest.id}/displayname`, { displayname: 'A stranger' });
  const picture = await guest.attempt('PUT', `${V3}/profile/${guest.id}/avatar_url`, { avatar_url: 'mxc://hs.test/x' });
  expect(picture).toMatchObject({ status: 403, body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' } });
  expect((await guest.attempt('POST', `${V3}/createRoom`, {})).body).toMatchObject({ errcode: 'M_GUEST_ACCESS_FORBIDDEN' });
});

test('S54: an account made with the secret has the display name it was given; capitals in the user name become small', async () => {
  const path = '/_synapse/admin/v1/register';
  const { body } = await callServer(server.url, 'GET', path);
  const nonce = String(body['nonce']);
  const name = nameOf('escalus');
  const username = `E${name.slice(1)}`;
  const parts = [nonce, username, PASSWORD, 'notadmin'];
  const mac = createHmac('sha1', SECRET).update(parts.join('\u0000')).digest('hex');
  const draft = { nonce, username, password: PASSWORD, displayname: 'The Prince', admin: false, mac };
  expect(await callServer(server.url, 'POST', path, draft)).toMatchObject({ status: 200, body: { user_id: `@${name}:hs.test` } });
  expect((await callServer(server.url, 'GET', `${V3}/profile/@${name}:hs.test`)).body).toEqual({ displayname: 'The Prince' });
  expect((await callServer(server.url, 'POST', path, draft)).body).toMatchObject({ errcode: 'M_UNKNOWN' });
});

test('what may be left out may be null', async () => {
  const nothing = { device_id: null, initial_device_display_name: null, inhibit_login: null, refresh_token: null };
  const username = nameOf('peter');
  const registered = await register({ username, ...nothing });
  expect(registered).toMatchObject({ status: 200, body: { device_id: expect.stringMatching(/^[A-Z]{10}$/) } });
  expect((await logIn({ user: username, password: PASSWORD, ...nothing })).status).toBe(200);
  expect((await logIn({ user: username, password: PASSWORD, type: null })).body['errcode']).toBe('M_BAD_JSON');
  expect((await callServer(server.url, 'POST', `${V3}/register`, { auth: null })).status).toBe(401);
});
