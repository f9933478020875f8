import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { logInTestUser, TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';
import { setUpDevice } from './crypto-device.ts';
import { V3 } from './sign-up-steps.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Two who share a room; the first has synced. */
async function meet() {
  const romeo = await server.user('romeo');
  const juliet = await server.user('juliet');
  const roomId = await romeo.createRoom({ preset: 'public_chat' });
  await juliet.join(roomId);
  await romeo.sync();
  return { romeo, juliet, roomId };
}
const changedFor = async (user: TestUser): Promise<unknown> => (await user.sync())['device_lists'] ?? { changed: [], left: [] };
const told = (juliet: TestUser) => ({ changed: [juliet.id] });

test('a new device, its keys, its name and its end are told to who shares a room, each once', async () => {
  const { romeo, juliet } = await meet();
  const phone = await logInTestUser(server.url, juliet.localpart);
  expect(await changedFor(romeo), 'logged in').toMatchObject(told(juliet));
  await setUpDevice(phone);
  expect(await changedFor(romeo), 'keys').toMatchObject(told(juliet));
  await phone.call('PUT', `${V3}/devices/${phone.deviceId}`, { display_name: 'wherefore' });
  expect(await changedFor(romeo), 'renamed').toMatchObject(told(juliet));
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: juliet.id }, password: TEST_PASSWORD };
  await juliet.call('DELETE', `${V3}/devices/${phone.deviceId}`, { auth });
  expect(await changedFor(romeo), 'removed').toMatchObject(told(juliet));
  expect(await changedFor(romeo), 'not twice').toEqual({ changed: [], left: [] });
});

test('logging in again on the same device is no news', async () => {
  const { romeo, juliet } = await meet();
  const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: juliet.id }, password: TEST_PASSWORD };
  await juliet.call('POST', `${V3}/login`, { ...login, device_id: juliet.deviceId });
  expect(await changedFor(romeo)).toEqual({ changed: [], left: [] });
});

test('a device without keys is told of too when it is renamed or goes', async () => {
  const { romeo, juliet } = await meet();
  await juliet.call('PUT', `${V3}/devices/${juliet.deviceId}`, { display_name: 'keyless' });
  expect(await changedFor(romeo)).toMatchObject(told(juliet));
  await juliet.call('POST', `${V3}/logout`, {});
  expect(await changedFor(romeo)).toMatchObject(told(juliet));
});
