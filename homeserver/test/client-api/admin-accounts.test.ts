import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, createNames, logInTestUser, type TestUser } from '../kit/test-user.ts';

const V3 = '/_matrix/client/v3';
const ADMIN = '/_synapse/admin';
const PASSWORD = 'a pair of star-crossed';
const nameOf = createNames();

let server: TestServer;
let prince: TestUser;
let romeo: TestUser;
beforeAll(async () => {
  server = await startServer({ config: { registration: 'open', guests: true } });
  prince = await server.user('prince');
  romeo = await server.user('romeo');
  await server.user('juliet');
});
afterAll(() => server[Symbol.asyncDispose]());

const logIn = (user: string, password: string) =>
  callServer(server.url, 'POST', `${V3}/login`, { type: 'm.login.password', identifier: { type: 'm.id.user', user }, password });
const names = (body: Record<string, unknown>) => (body['users'] as { name: string }[]).map(({ name }) => name);

test('accounts are listed, page by page, by what they are', async () => {
  const total = async () => Number((await prince.call('GET', `${ADMIN}/v2/users`))['total']);
  const before = await total();
  await callServer(server.url, 'POST', `${V3}/register?kind=guest`, {});
  const all = await prince.call('GET', `${ADMIN}/v2/users?guests=false`);
  expect(all).toMatchObject({
    total: 3,
    users: [{ name: '@juliet:hs.test' }, { name: '@prince:hs.test', admin: true }, { name: '@romeo:hs.test' }],
  });
  expect((all['users'] as unknown[])[2]).toMatchObject({ displayname: 'romeo', deactivated: false, is_guest: false, locked: false });
  const page = await prince.call('GET', `${ADMIN}/v2/users?guests=false&limit=2&dir=b`);
  expect(names(page)).toEqual(['@romeo:hs.test', '@prince:hs.test']);
  expect(page['next_token']).toBe('2');
  expect(names(await prince.call('GET', `${ADMIN}/v2/users?guests=false&limit=2&dir=b&from=2`))).toEqual(['@juliet:hs.test']);
  expect(names(await prince.call('GET', `${ADMIN}/v2/users?admins=true`))).toEqual(['@prince:hs.test']);
  expect(names(await prince.call('GET', `${ADMIN}/v2/users?name=JUL`))).toEqual(['@juliet:hs.test']);
  expect(names(await prince.call('GET', `${ADMIN}/v3/users?order_by=creation_ts&guests=false`))[0]).toBe('@prince:hs.test');
  expect(await total()).toBe(before + 1);
});

test('an account is made, changed, and ended', async () => {
  const nurse = nameOf('nurse');
  const path = `${ADMIN}/v2/users/@${nurse}:hs.test`;
  const wish = {
    password: PASSWORD,
    displayname: 'Nurse',
    threepids: [{ medium: 'email', address: `${nurse.toUpperCase()}@verona.test` }],
  };
  const made = await prince.attempt('PUT', path, wish);
  expect(made).toMatchObject({
    status: 201,
    body: {
      name: `@${nurse}:hs.test`,
      displayname: 'Nurse',
      admin: false,
      threepids: [{ medium: 'email', address: `${nurse}@verona.test` }],
    },
  });
  const { body: session } = await logIn(nurse, PASSWORD);
  expect((await prince.attempt('PUT', path, { displayname: 'Angelica', admin: true, avatar_url: 'mxc://hs.test/x' })).status).toBe(200);
  expect(await prince.call('GET', path)).toMatchObject({ displayname: 'Angelica', admin: true, avatar_url: 'mxc://hs.test/x' });
  await prince.call('PUT', path, { password: 'another password', admin: false, locked: true });
  expect((await callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, String(session['access_token']))).status).toBe(401);
  expect((await logIn(nurse, 'another password')).body['errcode']).toBe('M_USER_LOCKED');
  expect(await prince.call('PUT', path, { locked: false })).toMatchObject({ locked: false });
  expect(await prince.call('POST', `${ADMIN}/v1/deactivate/@${nurse}:hs.test`, { erase: true })).toEqual({
    id_server_unbind_result: 'no-support',
  });
  expect(await prince.call('GET', path)).toMatchObject({ deactivated: true, erased: true, threepids: [] });
  expect(names(await prince.call('GET', `${ADMIN}/v2/users?user_id=@${nurse}:`))).toEqual([]);
  expect(names(await prince.call('GET', `${ADMIN}/v2/users?user_id=@${nurse}:&deactivated=true`))).toEqual([`@${nurse}:hs.test`]);
  expect(await prince.attempt('PUT', path, { deactivated: false, password: PASSWORD })).toMatchObject({ status: 400 });
});

test('an account cannot be made of what is no user id here, and an address has one owner', async () => {
  for (const userId of ['@Capital:hs.test', '@123:hs.test', '@:hs.test', '@romeo:elsewhere.test']) {
    const answer = await prince.attempt('PUT', `${ADMIN}/v2/users/${encodeURIComponent(userId)}`, { password: PASSWORD });
    expect(answer.status, userId).toBe(400);
  }
  const weak = await prince.attempt('PUT', `${ADMIN}/v2/users/@weak:hs.test`, { password: 'x' });
  expect(weak.body['errcode']).toBe('M_WEAK_PASSWORD');
  expect((await prince.attempt('GET', `${ADMIN}/v2/users/@weak:hs.test`)).status).toBe(404);
  const threepids = [{ medium: 'email', address: 'one@verona.test' }];
  await prince.call('PUT', `${ADMIN}/v2/users/@romeo:hs.test`, { threepids });
  const taken = await prince.attempt('PUT', `${ADMIN}/v2/users/@juliet:hs.test`, { threepids });
  expect(taken.body['errcode']).toBe('M_THREEPID_IN_USE');
});

test('passwords, admins, rooms and devices of others are looked after', async () => {
  const mercutio = await server.user('mercutio');
  const roomId = await mercutio.createRoom();
  expect(await prince.call('GET', `${ADMIN}/v1/users/${mercutio.id}/joined_rooms`)).toEqual({ joined_rooms: [roomId], total: 1 });
  const second = await logInTestUser(server.url, mercutio.localpart);
  const { devices } = await prince.call('GET', `${ADMIN}/v2/users/${mercutio.id}/devices`);
  expect(devices).toHaveLength(2);
  await prince.call('DELETE', `${ADMIN}/v2/users/${mercutio.id}/devices/${second.deviceId}`);
  expect((await second.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
  expect((await prince.attempt('DELETE', `${ADMIN}/v2/users/${mercutio.id}/devices/NONE`)).status).toBe(404);
  const third = await logInTestUser(server.url, mercutio.localpart);
  const several = `${ADMIN}/v2/users/${mercutio.id}/delete_devices`;
  await prince.call('POST', several, { devices: [third.deviceId] });
  expect((await third.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
  expect((await romeo.attempt('POST', several, { devices: [mercutio.deviceId] })).status).toBe(403);
  await prince.call('POST', `${ADMIN}/v1/reset_password/${mercutio.id}`, { new_password: PASSWORD, logout_devices: false });
  expect((await mercutio.attempt('GET', `${V3}/account/whoami`)).status).toBe(200);
  expect((await logIn(mercutio.localpart, PASSWORD)).status).toBe(200);
  await prince.call('POST', `${ADMIN}/v1/reset_password/${mercutio.id}`, { new_password: `${PASSWORD}!` });
  expect((await mercutio.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
  await prince.call('PUT', `${ADMIN}/v1/users/${romeo.id}/admin`, { admin: true });
  expect(await romeo.call('GET', `${ADMIN}/v1/users/${romeo.id}/admin`)).toEqual({ admin: true });
  await prince.call('PUT', `${ADMIN}/v1/users/${romeo.id}/admin`, { admin: false });
  expect((await prince.attempt('PUT', `${ADMIN}/v1/users/${prince.id}/admin`, { admin: false })).status).toBe(400);
  expect(await prince.call('GET', `${ADMIN}/v1/username_available?username=benvolio`)).toEqual({ available: true });
  expect((await prince.attempt('GET', `${ADMIN}/v1/username_available?username=romeo`)).body['errcode']).toBe('M_USER_IN_USE');
  expect(await prince.call('GET', `${ADMIN}/v1/whois/${romeo.id}`)).toMatchObject({ user_id: romeo.id });
});

test('registration tokens are made, counted, changed and taken back', async () => {
  await using own = await startServer({ config: { registration: 'token', registrationSecret: undefined } });
  const token = 'a-token';
  await own.sql`insert into registration_tokens (token) values ('first')`;
  const join = async (username: string, given: string) => {
    const draft = { username, password: PASSWORD };
    const { body } = await callServer(own.url, 'POST', `${V3}/register`, draft);
    return await callServer(own.url, 'POST', `${V3}/register`, {
      ...draft,
      auth: { type: 'm.login.registration_token', token: given, session: body['session'] },
    });
  };
  const access = String((await join('escalus', 'first')).body['access_token']);
  const call = (method: string, path: string, body?: unknown) =>
    callServer(own.url, method, `${ADMIN}/v1/registration_tokens${path}`, body, access);
  const made = { token, uses_allowed: 1, pending: 0, completed: 0, expiry_time: null };
  expect(await call('POST', '/new', { token, uses_allowed: 1 })).toMatchObject({ status: 200, body: made });
  expect((await call('POST', '/new', { token })).status).toBe(400);
  expect((await call('POST', '/new', { token: 'not allowed!' })).status).toBe(400);
  expect((await call('POST', '/new', { expiry_time: 1 })).body['errcode']).toBe('M_INVALID_PARAM');
  expect(String((await call('POST', '/new', { length: 24 })).body['token'])).toHaveLength(24);
  expect((await join('paris', token)).status).toBe(200);
  expect((await join('tybalt', token)).status).toBe(401);
  expect((await call('GET', `/${token}`)).body).toEqual({ ...made, completed: 1 });
  expect(((await call('GET', '?valid=false')).body['registration_tokens'] as unknown[]).length).toBe(1);
  expect((await call('PUT', `/${token}`, { uses_allowed: null })).body).toEqual({ ...made, uses_allowed: null, completed: 1 });
  expect((await join('tybalt', token)).status).toBe(200);
  expect((await call('DELETE', `/${token}`)).status).toBe(200);
  for (const method of ['GET', 'DELETE']) expect((await call(method, `/${token}`)).status).toBe(404);
  expect((await join('benvolio', token)).status).toBe(401);
});

test('nobody but an admin does any of it', async () => {
  for (const [method, path, body] of [
    ['GET', '/v2/users'],
    ['GET', `/v2/users/${romeo.id}`],
    ['PUT', `/v2/users/${romeo.id}`, { admin: true }],
    ['POST', `/v1/deactivate/${romeo.id}`, {}],
    ['POST', `/v1/reset_password/${romeo.id}`, { new_password: PASSWORD }],
    ['PUT', `/v1/users/${romeo.id}/admin`, { admin: true }],
    ['GET', '/v1/registration_tokens'],
    ['GET', '/v1/rooms'],
    ['GET', '/v1/federation/destinations'],
    ['POST', '/v1/send_server_notice', { user_id: romeo.id, content: {} }],
  ] as const)
    expect(await romeo.attempt(method, ADMIN + path, body), path).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  expect((await callServer(server.url, 'GET', `${ADMIN}/v2/users`)).status).toBe(401);
});
