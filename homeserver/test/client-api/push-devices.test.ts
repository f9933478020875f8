import { expect, test } from 'vitest';
import { startServer } from '../kit/start-server.ts';
import { logInTestUser, TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';

const PUSHERS = '/_matrix/client/v3/pushers';
const PASSWORD = '/_matrix/client/v3/account/password';

function pusher(url: string, pushkey: string, changes: Record<string, unknown> = {}) {
  const names = { app_display_name: 'Test', device_display_name: 'phone', lang: 'en' };
  return { kind: 'http', app_id: 'chat.blinkchat.test', pushkey, ...names, data: { url }, ...changes };
}
const add = (user: TestUser, body: Record<string, unknown>) => user.call('POST', `${PUSHERS}/set`, body);
const keysOf = async (user: TestUser): Promise<unknown[]> =>
  ((await user.call('GET', PUSHERS))['pushers'] as { pushkey: string }[]).map((each) => each.pushkey).sort();

test('a new password ends the pushers of other devices, and not that of the one at hand', async () => {
  await using server = await startServer();
  const url = 'https://push.example.org/_matrix/push/v1/notify';
  const juliet = await server.user('juliet');
  const phone = await logInTestUser(server.url, 'juliet');
  await add(juliet, pusher(url, 'own'));
  await add(phone, pusher(url, 'other'));

  const change = async (newPassword: string, options: Record<string, unknown>) => {
    const asked = await juliet.attempt('POST', PASSWORD, { new_password: newPassword, ...options });
    const password = options['password'];
    const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: juliet.id }, password, session: asked.body['session'] };
    return await juliet.attempt('POST', PASSWORD, { new_password: newPassword, logout_devices: options['logout_devices'], auth });
  };
  expect((await change('a much better one', { password: TEST_PASSWORD, logout_devices: false })).status).toBe(200);
  expect(await keysOf(juliet)).toEqual(['other', 'own']);
  expect((await change('an even better one', { password: 'a much better one', logout_devices: true })).status).toBe(200);
  expect(await keysOf(juliet)).toEqual(['own']);
});

test('a pusher that lacks a part, or is no pusher, is refused and changes nothing', async () => {
  await using server = await startServer();
  const juliet = await server.user('juliet');
  const whole = pusher('https://push.example.org/_matrix/push/v1/notify', 'key');
  for (const part of ['kind', 'app_id', 'pushkey', 'app_display_name', 'device_display_name', 'lang', 'data'] as const) {
    const { [part]: _missing, ...rest } = whole;
    expect(await juliet.attempt('POST', `${PUSHERS}/set`, rest)).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } });
  }
  for (const changes of [{ pushkey: 'x'.repeat(513) }, { app_id: 'x'.repeat(65) }, { kind: 'fax' }])
    expect(await juliet.attempt('POST', `${PUSHERS}/set`, { ...whole, ...changes })).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_PARAM' },
    });
  expect(await keysOf(juliet)).toEqual([]);
  // What is not there can be removed all the same.
  expect(await add(juliet, { kind: null, app_id: 'x', pushkey: 'y' })).toEqual({});
});
