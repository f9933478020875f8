import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, logInTestUser, type TestUser } from '../kit/test-user.ts';
import { V3 } from './sign-up-steps.ts';

let server: TestServer;
let prince: TestUser;
let tybalt: TestUser;
beforeAll(async () => {
  server = await startServer();
  prince = await server.user('escalus'); // the first account is an admin
  tybalt = await server.user('tybalt');
});
afterAll(() => server[Symbol.asyncDispose]());

const ADMIN = '/_matrix/client/v1/admin';
const whoami = (user: TestUser) => user.attempt('GET', `${V3}/account/whoami`);

test('a locked account is refused everything but to log out, and keeps its sessions', async () => {
  const phone = await logInTestUser(server.url, 'tybalt');
  expect(await prince.call('PUT', `${ADMIN}/lock/${tybalt.id}`, { locked: true })).toEqual({ locked: true });
  expect(await prince.call('GET', `${ADMIN}/lock/${tybalt.id}`)).toEqual({ locked: true });
  for (const path of ['sync', 'devices', 'joined_rooms', 'account/3pid']) {
    expect(await phone.attempt('GET', `${V3}/${path}`)).toMatchObject({
      status: 401,
      body: { errcode: 'M_USER_LOCKED', soft_logout: true },
    });
  }
  expect((await phone.attempt('POST', `${V3}/logout`, {})).status).toBe(200);
  await prince.call('PUT', `${ADMIN}/lock/${tybalt.id}`, { locked: false });
  expect(await whoami(phone)).toMatchObject({ status: 401, body: { errcode: 'M_UNKNOWN_TOKEN' } });
  expect((await whoami(tybalt)).status).toBe(200);
});

test('a suspended account is told so wherever it would speak or change something, and nowhere else', async () => {
  const roomId = await tybalt.createRoom({ preset: 'public_chat' });
  const others = await prince.createRoom({ preset: 'public_chat' });
  const eventId = await tybalt.send(roomId, 'What, drawn, and talk of peace?');
  await prince.call('PUT', `${ADMIN}/suspend/${tybalt.id}`, { suspended: true });
  expect(await prince.call('GET', `/_matrix/client/unstable/uk.timedout.msc4323/admin/suspend/${tybalt.id}`)).toEqual({ suspended: true });
  const room = `${V3}/rooms/${encodeURIComponent(roomId)}`;
  for (const [method, path, body] of [
    ['PUT', `${room}/send/m.room.message/1`, { msgtype: 'm.text', body: 'x' }],
    ['PUT', `${room}/state/m.room.topic`, { topic: 'x' }],
    ['POST', `${room}/invite`, { user_id: prince.id }],
    ['POST', `${V3}/join/${encodeURIComponent(others)}`, {}],
    ['POST', `${V3}/knock/${encodeURIComponent(others)}`, {}],
    ['PUT', `${V3}/profile/${tybalt.id}/displayname`, { displayname: 'x' }],
    ['DELETE', `${V3}/profile/${tybalt.id}/displayname`, undefined],
    ['POST', `${V3}/createRoom`, {}],
  ] as const) {
    expect(await tybalt.attempt(method, path, body), path).toMatchObject({ status: 403, body: { errcode: 'M_USER_SUSPENDED' } });
  }
  await tybalt.call('GET', `${V3}/sync`);
  await tybalt.call('PUT', `${room}/redact/${encodeURIComponent(eventId)}/2`, {});
  await tybalt.call('PUT', `${V3}/devices/${tybalt.deviceId}`, { display_name: 'sword' });
  await tybalt.leave(roomId);
  await logInTestUser(server.url, 'tybalt');
  await prince.call('PUT', `${ADMIN}/suspend/${tybalt.id}`, { suspended: false });
  await tybalt.createRoom();
});

test('who is no admin, nobody, elsewhere, oneself or an admin too is answered as the specification says', async () => {
  await server.user('paris');
  await server.sql`update accounts set is_admin = true where user_nid = (select user_nid from users where user_id = '@paris:hs.test')`;
  for (const [kind, key] of [
    ['lock', 'locked'],
    ['suspend', 'suspended'],
  ] as const) {
    const at = (userId: string) => `${ADMIN}/${kind}/${encodeURIComponent(userId)}`;
    const refused = async (user: TestUser, userId: string) => (await user.attempt('PUT', at(userId), { [key]: true })).body['errcode'];
    expect(await refused(tybalt, prince.id)).toBe('M_FORBIDDEN');
    expect((await tybalt.attempt('GET', at(tybalt.id))).body['errcode']).toBe('M_FORBIDDEN');
    expect(await refused(prince, '@nobody:hs.test')).toBe('M_NOT_FOUND');
    expect(await refused(prince, '@somebody:elsewhere.test')).toBe('M_INVALID_PARAM');
    expect(await refused(prince, prince.id)).toBe('M_FORBIDDEN');
    expect(await refused(prince, '@paris:hs.test')).toBe('M_FORBIDDEN');
    expect((await prince.attempt('PUT', at(tybalt.id), {})).body['errcode']).toBe('M_MISSING_PARAM');
  }
  const { capabilities } = await prince.call('GET', `${V3}/capabilities`);
  expect(capabilities).toMatchObject({ 'm.account_moderation': { lock: true, suspend: true } });
  expect((await tybalt.call('GET', `${V3}/capabilities`))['capabilities']).not.toHaveProperty('m.account_moderation');
});

test('an admin, and nobody else but the person, sees from where devices come', async () => {
  const answer = await prince.call('GET', `${V3}/admin/whois/${tybalt.id}`);
  expect(answer).toMatchObject({
    user_id: tybalt.id,
    devices: { [tybalt.deviceId]: { sessions: [{ connections: [{ ip: '127.0.0.1', last_seen: expect.any(Number) }] }] } },
  });
  expect(await tybalt.call('GET', `${V3}/admin/whois/${tybalt.id}`)).toMatchObject({ user_id: tybalt.id });
  expect((await tybalt.attempt('GET', `${V3}/admin/whois/${prince.id}`)).status).toBe(403);
  expect((await prince.attempt('GET', `${V3}/admin/whois/@nobody:hs.test`)).status).toBe(404);
});

test('a device tells at once when and from where it was last heard of', async () => {
  const { devices } = await tybalt.call('GET', `${V3}/devices`);
  const own = (devices as { device_id: string }[]).find(({ device_id }) => device_id === tybalt.deviceId);
  expect(own).toMatchObject({ last_seen_ip: '127.0.0.1', last_seen_ts: expect.any(Number) });
  expect((await callServer(server.url, 'GET', `${V3}/devices`)).status).toBe(401);
});
