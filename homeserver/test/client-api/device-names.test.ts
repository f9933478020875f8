import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { callServer, TEST_PASSWORD } from '../kit/test-user.ts';

test('a device has an id and a name of bearable length, whatever way it comes', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const logIn = (options: object) =>
    callServer(server.url, 'POST', '/_matrix/client/v3/login', {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'romeo' },
      password: TEST_PASSWORD,
      ...options,
    });
  const tooLong = { status: 400, body: { errcode: 'M_INVALID_PARAM' } };
  const tooLongName = { status: 400, body: { errcode: 'M_TOO_LARGE' } };
  expect(await logIn({ device_id: 'D'.repeat(513) })).toMatchObject(tooLong);
  expect(await logIn({ device_id: '' })).toMatchObject(tooLong);
  expect(await logIn({ initial_device_display_name: 'x'.repeat(101) })).toMatchObject(tooLongName);
  expect((await logIn({ device_id: 'LUTE', initial_device_display_name: 'Lute' })).status).toBe(200);

  const lute = '/_matrix/client/v3/devices/LUTE';
  expect(await romeo.attempt('PUT', lute, { display_name: 'x'.repeat(101) })).toMatchObject(tooLongName);
  expect((await romeo.attempt('PUT', lute, { display_name: null })).status).toBe(200);
  expect(await romeo.call('GET', lute)).toMatchObject({ device_id: 'LUTE', display_name: 'Lute' });
});
