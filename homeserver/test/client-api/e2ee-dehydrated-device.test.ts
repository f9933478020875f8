import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import type { TestUser } from '../kit/test-user.ts';
import { createDeviceKeys, createKeyPair, createOneTimeKey, setUpDevice } from './crypto-device.ts';
import { V3 } from './sign-up-steps.ts';

const PATH = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device';
const ALGORITHM = 'org.matrix.msc3814.v2';

/** What a client stores: a device that it has keys for and does not itself run. */
async function createDehydrated(user: TestUser, deviceId: string) {
  const pair = createKeyPair();
  const identity = { id: user.id, deviceId };
  return {
    device_id: deviceId,
    initial_device_display_name: 'asleep',
    device_data: { algorithm: ALGORITHM, device_pickle: `pickle of ${deviceId}`, nonce: 'n' },
    device_keys: { ...(await createDeviceKeys(identity, pair)), dehydrated: true } as Record<string, unknown>,
    one_time_keys: { 'signed_curve25519:A': await createOneTimeKey(identity, pair) },
    fallback_keys: { 'signed_curve25519:F': await createOneTimeKey(identity, pair, { fallback: true }) },
    pair,
  };
}

/** The keys with the mark of a dehydrated device signed too. */
async function put(user: TestUser, deviceId: string) {
  const { pair, ...body } = await createDehydrated(user, deviceId);
  const identity = { id: user.id, deviceId };
  return await user.attempt('PUT', PATH, { ...body, device_keys: await createDeviceKeys(identity, pair) });
}

test('a dehydrated device gives keys, gathers messages, and hands them over page by page', async () => {
  await using server = await startServer();
  const juliet = await server.user('juliet');
  const romeo = await server.user('romeo');
  await setUpDevice(juliet);

  expect((await juliet.attempt('GET', PATH)).body['errcode']).toBe('M_NOT_FOUND');
  expect((await put(juliet, 'SLEEPER')).body).toEqual({ device_id: 'SLEEPER' });
  expect(await juliet.call('GET', PATH)).toMatchObject({ device_id: 'SLEEPER', device_data: { algorithm: ALGORITHM } });

  const keys = await romeo.call('POST', `${V3}/keys/query`, { device_keys: { [juliet.id]: [] } });
  expect(Object.keys((keys['device_keys'] as Record<string, object>)[juliet.id] ?? {}).sort()).toEqual([juliet.deviceId, 'SLEEPER'].sort());
  const claim = () => romeo.call('POST', `${V3}/keys/claim`, { one_time_keys: { [juliet.id]: { SLEEPER: 'signed_curve25519' } } });
  expect(JSON.stringify(await claim())).toContain('signed_curve25519:A');
  expect(JSON.stringify(await claim())).toContain('signed_curve25519:F');

  for (let n = 0; n < 101; n += 1) {
    await romeo.call('PUT', `${V3}/sendToDevice/m.secret/${n}`, { messages: { [juliet.id]: { SLEEPER: { n } } } });
  }
  const read = (body: object) => juliet.call('POST', `${PATH}/SLEEPER/events`, body);
  const first = await read({});
  expect(first['events']).toHaveLength(100);
  const second = await read({ next_batch: first['next_batch'] });
  expect(second['events']).toEqual([{ type: 'm.secret', sender: romeo.id, content: { n: 100 } }]);
  expect((await read({ next_batch: second['next_batch'] }))['events']).toEqual([]);
  expect((await read({}))['events'], 'a client that failed begins again').toHaveLength(100);

  expect(await juliet.call('DELETE', PATH)).toEqual({ device_id: 'SLEEPER' });
  expect((await juliet.attempt('DELETE', PATH)).status).toBe(404);
  const after = await romeo.call('POST', `${V3}/keys/query`, { device_keys: { [juliet.id]: [] } });
  expect(Object.keys((after['device_keys'] as Record<string, object>)[juliet.id] ?? {})).toEqual([juliet.deviceId]);
});

test('a new dehydrated device takes the place of the old one, and who shares a room is told', async () => {
  await using server = await startServer();
  const juliet = await server.user('juliet');
  const romeo = await server.user('romeo');
  const roomId = await juliet.createRoom({ preset: 'public_chat' });
  await romeo.join(roomId);
  await romeo.sync();

  await put(juliet, 'FIRST');
  expect(await romeo.sync()).toMatchObject({ device_lists: { changed: [juliet.id] } });
  await put(juliet, 'SECOND');
  expect(await romeo.sync()).toMatchObject({ device_lists: { changed: [juliet.id] } });
  const devices = (await juliet.call('GET', `${V3}/devices`))['devices'] as { device_id: string }[];
  expect(devices.map((device) => device.device_id).sort()).toEqual([juliet.deviceId, 'SECOND'].sort());
  expect((await juliet.attempt('POST', `${PATH}/FIRST/events`, {})).status).toBe(403);
});

test('what is no sound device is refused, and changes nothing', async () => {
  await using server = await startServer();
  const juliet = await server.user('juliet');
  const romeo = await server.user('romeo');
  await put(juliet, 'SLEEPER');
  const { pair: _, ...unsigned } = await createDehydrated(juliet, 'OTHER');

  expect((await juliet.attempt('PUT', PATH, unsigned)).body['errcode'], 'signed before the mark was added').toBe('M_INVALID_PARAM');
  expect((await put(juliet, juliet.deviceId)).body['errcode'], 'a device in use').toBe('M_INVALID_PARAM');
  expect((await juliet.attempt('PUT', PATH, { device_id: 'X', device_data: {} })).status).toBe(400);
  expect((await juliet.attempt('POST', `${PATH}/SLEEPER/events`, { next_batch: 'nonsense' })).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await romeo.attempt('POST', `${PATH}/SLEEPER/events`, {})).body['errcode']).toBe('M_FORBIDDEN');
  expect(await juliet.call('GET', PATH)).toMatchObject({ device_id: 'SLEEPER' });
});
