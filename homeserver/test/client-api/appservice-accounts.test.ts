import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { startAppservice, type TestAppservice } from '../kit/start-appservice.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, createNames, TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const CLIENT = '/_matrix/client/v3';
const APPSERVICE = 'm.login.application_service';

const cleanup = createCleanup();
let irc: TestAppservice;
let other: TestAppservice;
let server: TestServer;
let romeo: TestUser;

beforeAll(async () => {
  irc = cleanup.use(
    await startAppservice({
      namespaces: {
        users: [
          { exclusive: true, regex: '@_irc_.*:.*' },
          { exclusive: true, regex: '@irc-.*:.*' },
        ],
        aliases: [{ exclusive: true, regex: '#_irc_.*:.*' }],
        rooms: [],
      },
    }),
  );
  other = cleanup.use(
    await startAppservice({
      id: 'other',
      url: null,
      namespaces: { users: [{ exclusive: false, regex: '@shared_.*' }], aliases: [], rooms: [] },
    }),
  );
  server = cleanup.use(await startServer({ config: { appservices: [irc.file, other.file] } }));
  romeo = await server.user('romeo');
});
afterAll(() => cleanup.run());

const register = async (username: string, more: object = {}, by = irc) =>
  await by.call(server.url, 'POST', `${CLIENT}/register`, { type: APPSERVICE, username, ...more });
const whoami = async (as: { userId?: string; deviceId?: string }, by = irc) =>
  await by.call(server.url, 'GET', `${CLIENT}/account/whoami`, undefined, as);

test('a service is its sender, who has an account and no device', async () => {
  await expect(whoami({})).resolves.toMatchObject({ status: 200, body: { user_id: '@irc_bot:hs.test', is_guest: false } });
  expect((await whoami({})).body).not.toHaveProperty('device_id');
});

test('a service registers users of its namespaces without password or proof, with or without logging them in', async () => {
  const [juliet, nurse] = [nameOf('_irc_juliet'), nameOf('_irc_nurse')];
  const made = await register(juliet);
  expect(made).toMatchObject({ status: 200, body: { user_id: `@${juliet}:hs.test`, device_id: expect.any(String) } });
  await expect(
    callServer(server.url, 'GET', `${CLIENT}/account/whoami`, undefined, String(made.body['access_token'])),
  ).resolves.toMatchObject({ status: 200, body: { user_id: `@${juliet}:hs.test` } });

  const silent = await register(nurse, { inhibit_login: true });
  expect(silent.status).toBe(200);
  expect(silent.body).not.toHaveProperty('access_token');
  await expect(register(nurse)).resolves.toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
});

test('outside its namespaces a service registers nobody, and inside them nobody else does', async () => {
  await expect(register('tybalt')).resolves.toMatchObject({ status: 400, body: { errcode: 'M_EXCLUSIVE' } });
  const auth = { type: 'm.login.dummy' };
  await expect(
    callServer(server.url, 'POST', `${CLIENT}/register`, { username: 'irc-thief', password: TEST_PASSWORD, auth }),
  ).resolves.toMatchObject({ status: 400, body: { errcode: 'M_EXCLUSIVE' } });
  await expect(callServer(server.url, 'GET', `${CLIENT}/register/available?username=irc-thief`)).resolves.toMatchObject({
    status: 400,
    body: { errcode: 'M_EXCLUSIVE' },
  });
  await expect(server.user('shared_freely')).resolves.toMatchObject({ id: expect.stringMatching(/^@shared_freely/) });
  await expect(register('_irc_bad name')).resolves.toMatchObject({ status: 400, body: { errcode: 'M_INVALID_USERNAME' } });
  await expect(irc.call(server.url, 'POST', `${CLIENT}/register`, { type: APPSERVICE })).resolves.toMatchObject({
    status: 400,
    body: { errcode: 'M_MISSING_PARAM' },
  });
});

test.each(['register', 'login'])('%s asks a service for its token', async (endpoint) => {
  const body = { type: APPSERVICE, username: '_irc_x', identifier: { type: 'm.id.user', user: '_irc_x' } };
  await expect(callServer(server.url, 'POST', `${CLIENT}/${endpoint}`, body)).resolves.toMatchObject({
    status: 401,
    body: { errcode: 'M_MISSING_TOKEN' },
  });
  for (const token of ['nonsense', romeo.accessToken]) {
    await expect(callServer(server.url, 'POST', `${CLIENT}/${endpoint}`, body, token)).resolves.toMatchObject({
      status: 401,
      body: { errcode: 'M_UNKNOWN_TOKEN' },
    });
  }
});

test('a service logs its users in, and nobody else', async () => {
  const flows = (await callServer(server.url, 'GET', `${CLIENT}/login`)).body['flows'];
  expect(flows).toContainEqual({ type: APPSERVICE });
  await register('_irc_friar', { inhibit_login: true });
  const logIn = async (user: string) =>
    await irc.call(server.url, 'POST', `${CLIENT}/login`, { type: APPSERVICE, identifier: { type: 'm.id.user', user }, device_id: 'CELL' });

  const session = await logIn('_irc_friar');
  expect(session).toMatchObject({ status: 200, body: { user_id: '@_irc_friar:hs.test', device_id: 'CELL' } });
  await expect(whoami({ userId: '@_irc_friar:hs.test', deviceId: 'CELL' })).resolves.toMatchObject({ body: { device_id: 'CELL' } });
  await expect(logIn('romeo')).resolves.toMatchObject({ status: 403, body: { errcode: 'M_EXCLUSIVE' } });
  await expect(logIn('_irc_nobody')).resolves.toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
});

test('a service acts as its own users only, as they are registered, by devices that they have', async () => {
  await register('_irc_paris', { inhibit_login: true });
  await expect(whoami({ userId: '@_irc_paris:hs.test' })).resolves.toMatchObject({
    status: 200,
    body: { user_id: '@_irc_paris:hs.test' },
  });
  for (const userId of [romeo.id, '@_irc_unregistered:hs.test', '@_irc_paris:elsewhere.test', '@other_bot:hs.test', 'nonsense']) {
    await expect(whoami({ userId })).resolves.toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  }
  await expect(whoami({ userId: '@_irc_paris:hs.test' }, other)).resolves.toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  await expect(whoami({ userId: '@_irc_paris:hs.test', deviceId: 'NONE' })).resolves.toMatchObject({
    status: 400,
    body: { errcode: 'M_UNKNOWN_DEVICE' },
  });
});

test('who is not a service cannot say who they are', async () => {
  const answer = await romeo.attempt('GET', `${CLIENT}/account/whoami?user_id=${encodeURIComponent('@_irc_paris:hs.test')}`);
  expect(answer).toMatchObject({ status: 200, body: { user_id: romeo.id } });
});

test('a deactivated user is acted as no more', async () => {
  const mercutio = nameOf('_irc_mercutio');
  await register(mercutio, { inhibit_login: true });
  const as = { userId: `@${mercutio}:hs.test` };
  await expect(whoami(as)).resolves.toMatchObject({ status: 200 });
  const done = await irc.call(server.url, 'POST', `${CLIENT}/account/deactivate`, {}, as);
  expect(done.status).toBe(200);
  await expect(whoami(as)).resolves.toMatchObject({ status: 403, body: { errcode: 'M_USER_DEACTIVATED' } });
  await expect(register(mercutio)).resolves.toMatchObject({ status: 400, body: { errcode: 'M_USER_IN_USE' } });
});

test('a service makes and removes devices of its users, without asking for proof', async () => {
  await register('_irc_benvolio', { inhibit_login: true });
  const as = { userId: '@_irc_benvolio:hs.test' };
  const put = (deviceId: string, name: string) => irc.call(server.url, 'PUT', `${CLIENT}/devices/${deviceId}`, { display_name: name }, as);
  expect((await put('ONE', 'first')).status).toBe(201);
  expect((await put('ONE', 'renamed')).status).toBe(200);
  expect((await put('TWO', 'second')).status).toBe(201);
  await expect(irc.call(server.url, 'GET', `${CLIENT}/devices/ONE`, undefined, as)).resolves.toMatchObject({
    body: { device_id: 'ONE', display_name: 'renamed' },
  });

  expect((await irc.call(server.url, 'DELETE', `${CLIENT}/devices/ONE`, {}, as)).status).toBe(200);
  expect((await irc.call(server.url, 'POST', `${CLIENT}/delete_devices`, { devices: ['TWO'] }, as)).status).toBe(200);
  await expect(irc.call(server.url, 'GET', `${CLIENT}/devices`, undefined, as)).resolves.toMatchObject({ body: { devices: [] } });
  expect((await romeo.attempt('PUT', `${CLIENT}/devices/NEW`, { display_name: 'x' })).status).toBe(404);
});

test('keys are uploaded for a device that is named', async () => {
  await register('_irc_peter', { inhibit_login: true });
  const answer = await irc.call(server.url, 'POST', `${CLIENT}/keys/upload`, {}, { userId: '@_irc_peter:hs.test' });
  expect(answer).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
});

test('only a service says when something happened', async () => {
  await register('_irc_chorus', { inhibit_login: true });
  const as = { userId: '@_irc_chorus:hs.test' };
  const { body: made } = await irc.call(server.url, 'POST', `${CLIENT}/createRoom`, { preset: 'public_chat' }, as);
  const room = `${CLIENT}/rooms/${encodeURIComponent(String(made['room_id']))}`;
  await romeo.join(String(made['room_id']));
  const content = { msgtype: 'm.text', body: 'Two households' };
  const sent = await irc.call(server.url, 'PUT', `${room}/send/m.room.message/1?ts=1595000000000`, content, as);
  const stated = await irc.call(server.url, 'PUT', `${room}/state/m.room.topic?ts=1595000000001`, { topic: 'Verona' }, as);
  const own = await romeo.call('PUT', `${room}/send/m.room.message/1?ts=1595000000002`, content);
  const timeOf = async (eventId: unknown) =>
    (await romeo.call('GET', `${room}/event/${encodeURIComponent(String(eventId))}`))['origin_server_ts'];
  await expect(timeOf(sent.body['event_id'])).resolves.toBe(1_595_000_000_000);
  await expect(timeOf(stated.body['event_id'])).resolves.toBe(1_595_000_000_001);
  await expect(timeOf(own['event_id'])).resolves.toBeGreaterThan(1_600_000_000_000);
  await expect(irc.call(server.url, 'PUT', `${room}/send/m.room.message/2?ts=-5`, content, as)).resolves.toMatchObject({ status: 400 });
});

test('aliases of a namespace are made by its service alone', async () => {
  const roomId = await romeo.createRoom();
  const path = (alias: string) => `${CLIENT}/directory/room/${encodeURIComponent(alias)}`;
  await expect(romeo.attempt('PUT', path('#_irc_verona:hs.test'), { room_id: roomId })).resolves.toMatchObject({
    status: 400,
    body: { errcode: 'M_EXCLUSIVE' },
  });
  await expect(romeo.attempt('POST', `${CLIENT}/createRoom`, { room_alias_name: '_irc_mantua' })).resolves.toMatchObject({
    status: 400,
    body: { errcode: 'M_EXCLUSIVE' },
  });
  await expect(irc.call(server.url, 'PUT', path('#verona:hs.test'), { room_id: roomId })).resolves.toMatchObject({
    status: 400,
    body: { errcode: 'M_EXCLUSIVE' },
  });
  await expect(irc.call(server.url, 'PUT', path('#_irc_verona:hs.test'), { room_id: roomId })).resolves.toMatchObject({ status: 200 });
  await expect(romeo.attempt('DELETE', path('#_irc_verona:hs.test'))).resolves.toMatchObject({ body: { errcode: 'M_EXCLUSIVE' } });
  await expect(irc.call(server.url, 'DELETE', path('#_irc_verona:hs.test'))).resolves.toMatchObject({ status: 200 });
});

test('what is not there yet is asked of the service that keeps its name', async () => {
  irc.answer = async ({ path, authorization, query }) => {
    expect(authorization).toBe(`Bearer ${irc.registration['hs_token']}`);
    expect(query.get('access_token')).toBe(irc.registration['hs_token']);
    if (path === `/_matrix/app/v1/users/${encodeURIComponent('@_irc_called:hs.test')}`) {
      await register('_irc_called', { inhibit_login: true });
      return { status: 200, body: {} };
    }
    if (path === `/_matrix/app/v1/rooms/${encodeURIComponent('#_irc_made:hs.test')}`) {
      await irc.call(server.url, 'POST', `${CLIENT}/createRoom`, { room_alias_name: '_irc_made', preset: 'public_chat' });
      return { status: 200, body: {} };
    }
    return undefined;
  };
  await expect(romeo.call('GET', `${CLIENT}/profile/@_irc_called:hs.test`)).resolves.toMatchObject({ displayname: '_irc_called' });
  await expect(romeo.join('#_irc_made:hs.test')).resolves.toMatch(/^!/);
  await expect(romeo.attempt('GET', `${CLIENT}/profile/@_irc_missing:hs.test`)).resolves.toMatchObject({ status: 404 });
  await expect(romeo.attempt('GET', `${CLIENT}/directory/room/${encodeURIComponent('#_irc_missing:hs.test')}`)).resolves.toMatchObject({
    status: 404,
    body: { errcode: 'M_NOT_FOUND' },
  });
  irc.answer = undefined;
});
