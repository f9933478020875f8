import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { logInTestUser, type TestUser } from '../kit/test-user.ts';
import { V3 } from './sign-up-steps.ts';

let server: TestServer;
let romeo: TestUser;
let juliet: TestUser;
beforeAll(async () => {
  server = await startServer();
  romeo = await server.user('romeo');
  juliet = await server.user('juliet');
});
afterAll(() => server[Symbol.asyncDispose]());

const UNSTABLE = '/_matrix/client/unstable/org.matrix.msc3391';
type Synced = {
  account_data?: { events: { type: string; content: object }[] };
  rooms?: { join?: Record<string, { account_data?: { events: { type: string; content: object }[] } }> };
};

test('account data that is removed is gone, and devices are told by its empty content', async () => {
  const path = `/user/${romeo.id}/account_data/org.example.colour`;
  await romeo.call('PUT', V3 + path, { colour: 'red' });
  const { next_batch: since } = await romeo.sync();
  await romeo.call('DELETE', UNSTABLE + path);
  expect(await romeo.attempt('GET', V3 + path)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  const changes = (await romeo.sync({ since: String(since) })) as Synced;
  expect(changes.account_data?.events).toEqual([{ type: 'org.example.colour', content: {} }]);
  const fresh = await romeo.call('GET', `${V3}/sync`);
  expect(JSON.stringify(fresh)).not.toContain('org.example.colour');
  await romeo.call('DELETE', UNSTABLE + path);
  await romeo.call('PUT', V3 + path, { colour: 'blue' });
  expect(await romeo.call('GET', V3 + path)).toEqual({ colour: 'blue' });
  await romeo.call('PUT', V3 + path, {});
  expect(await romeo.attempt('GET', V3 + path)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
});

test('what is kept for a device goes with the device', async () => {
  const phone = await logInTestUser(server.url, 'romeo');
  const types = ['m.local_notification_settings', 'org.matrix.msc3890.local_notification_settings'];
  const path = (type: string, deviceId: string) => `${V3}/user/${romeo.id}/account_data/${type}.${deviceId}`;
  for (const type of types) for (const { deviceId } of [romeo, phone]) await romeo.call('PUT', path(type, deviceId), { is_silenced: true });
  const { next_batch: since } = await romeo.sync();
  await phone.call('POST', `${V3}/logout`, {});
  const changes = (await romeo.sync({ since: String(since) })) as Synced;
  expect(changes.account_data?.events).toEqual(types.map((type) => ({ type: `${type}.${phone.deviceId}`, content: {} })));
  for (const type of types) expect((await romeo.attempt('GET', path(type, phone.deviceId))).status).toBe(404);
  for (const type of types) expect((await romeo.attempt('GET', path(type, romeo.deviceId))).status).toBe(200);
});

test('the same in a room; types with endpoints of their own, and what is another’s, are refused', async () => {
  const roomId = await romeo.createRoom();
  const path = (type: string, userId = romeo.id) => `/user/${userId}/rooms/${encodeURIComponent(roomId)}/account_data/${type}`;
  await romeo.call('PUT', V3 + path('org.example.colour'), { colour: 'red' });
  const { next_batch: since } = await romeo.sync();
  await romeo.call('DELETE', UNSTABLE + path('org.example.colour'));
  expect((await romeo.attempt('GET', V3 + path('org.example.colour'))).status).toBe(404);
  const changes = (await romeo.sync({ since: String(since) })) as Synced;
  expect(changes.rooms?.join?.[roomId]?.account_data?.events).toEqual([{ type: 'org.example.colour', content: {} }]);
  for (const [method, base] of [
    ['PUT', V3],
    ['DELETE', UNSTABLE],
  ] as const) {
    for (const type of ['m.fully_read', 'm.push_rules']) {
      expect(await romeo.attempt(method, base + path(type), {})).toMatchObject({ status: 405, body: { errcode: 'M_BAD_JSON' } });
      const global = `${base}/user/${romeo.id}/account_data/${type}`;
      expect(await romeo.attempt(method, global, {})).toMatchObject({ status: 405, body: { errcode: 'M_BAD_JSON' } });
    }
    expect(await juliet.attempt(method, base + path('org.example.colour'), {})).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
  }
});

test('a name or picture that is emptied is none', async () => {
  const profile = `${V3}/profile/${juliet.id}`;
  await juliet.call('PUT', `${profile}/avatar_url`, { avatar_url: 'mxc://hs.test/balcony' });
  expect(await romeo.call('GET', `${profile}/avatar_url`)).toEqual({ avatar_url: 'mxc://hs.test/balcony' });
  await juliet.call('PUT', `${profile}/avatar_url`, { avatar_url: '' });
  await juliet.call('PUT', `${profile}/displayname`, { displayname: '' });
  expect(await romeo.call('GET', profile)).toEqual({});
  expect(await romeo.attempt('GET', `${profile}/displayname`)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
});

test('fields of one’s own are kept as they are, by both paths, and within bounds', async () => {
  const unstable = `/_matrix/client/unstable/uk.tcpip.msc4133/profile/${romeo.id}`;
  const value = { nested: [1, null, 'ü'] };
  await romeo.call('PUT', `${unstable}/org.example.moods`, { 'org.example.moods': value });
  expect(await juliet.call('GET', `${V3}/profile/${romeo.id}/org.example.moods`)).toEqual({ 'org.example.moods': value });
  const set = (name: string, body: object) => romeo.attempt('PUT', `${V3}/profile/${romeo.id}/${encodeURIComponent(name)}`, body);
  expect((await set('org.example.moods', { other: 1 })).body['errcode']).toBe('M_MISSING_PARAM');
  expect((await set('Not A Name', { 'Not A Name': 1 })).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await set('displayname', { displayname: 'x'.repeat(257) })).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await set('avatar_url', { avatar_url: 7 })).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await set('avatar_url', { avatar_url: 'https://verona.test/old-client.png' })).status).toBe(200);
  expect(await juliet.call('GET', `${V3}/profile/${romeo.id}/avatar_url`)).toEqual({ avatar_url: 'https://verona.test/old-client.png' });
  expect((await set('m.tz', { 'm.tz': 7 })).body['errcode']).toBe('M_INVALID_PARAM');
  await romeo.call('DELETE', `${unstable}/org.example.moods`);
  await romeo.call('DELETE', `${unstable}/org.example.moods`);
  expect((await romeo.attempt('GET', `${unstable}/org.example.moods`)).status).toBe(404);
});
