import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, type TestUser } from '../kit/test-user.ts';

let server: TestServer;
let romeo: TestUser;

beforeAll(async () => {
  server = await startServer({ config: { guests: true } });
  romeo = await server.user('romeo');
});
afterAll(() => server[Symbol.asyncDispose]());

const CLIENT = '/_matrix/client/v3';
const own = (rest: string, { id } = romeo) => `${CLIENT}/user/${encodeURIComponent(id)}/${rest}`;

test('nobody ignores themselves', async () => {
  const nurse = await server.user('nurse');
  const list = own('account_data/m.ignored_user_list', nurse);
  const refused = await nurse.attempt('PUT', list, { ignored_users: { '@paris:hs.test': {}, [nurse.id]: {} } });
  expect(refused).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  expect((await nurse.attempt('GET', list)).status).toBe(404);
  expect((await nurse.attempt('PUT', list, { ignored_users: { '@paris:hs.test': {} } })).status).toBe(200);
});

test('a tag has at most 255 bytes', async () => {
  const roomId = await romeo.createRoom();
  const tags = own(`rooms/${encodeURIComponent(roomId)}/tags`);
  expect(await romeo.attempt('PUT', `${tags}/${'t'.repeat(256)}`, {})).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } });
  expect((await romeo.attempt('PUT', `${tags}/${'t'.repeat(255)}`, { order: 0.5 })).status).toBe(200);
  expect(Object.keys((await romeo.call('GET', tags))['tags'] as object)).toEqual(['t'.repeat(255)]);
});

test('whoever is asked for by name is in the answer about keys, with devices or without', async () => {
  const answer = await romeo.call('POST', `${CLIENT}/keys/query`, { device_keys: { [romeo.id]: [], '@nobody:hs.test': [] } });
  expect(answer['device_keys']).toEqual({ [romeo.id]: {}, '@nobody:hs.test': {} });
});

test('devices are told with their owner', async () => {
  expect(await romeo.call('GET', `${CLIENT}/devices/${romeo.deviceId}`)).toMatchObject({ user_id: romeo.id, device_id: romeo.deviceId });
});

test('a guest may ask what the server can do and which rooms they are in', async () => {
  const { body } = await callServer(server.url, 'POST', `${CLIENT}/register?kind=guest`, {});
  for (const path of ['capabilities', 'joined_rooms']) {
    expect((await callServer(server.url, 'GET', `${CLIENT}/${path}`, undefined, String(body['access_token']))).status).toBe(200);
  }
});
