import { expect, test } from 'vitest';
import { startMailCatcher } from '../kit/mail-catcher.ts';
import { startServer } from '../kit/start-server.ts';
import { callServer, logInTestUser, registerTestUser, TEST_PASSWORD, type TestUser } from '../kit/test-user.ts';
import { codeIn, emailAuth, requestCode, V3 } from './sign-up-steps.ts';

const passwordAuth = (user: string, session?: unknown, password = TEST_PASSWORD) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password,
  ...(session === undefined ? {} : { session }),
});

const devicesOf = async (user: TestUser) => {
  const { devices } = await user.call('GET', `${V3}/devices`);
  return (devices as { device_id: string }[]).map((device) => device.device_id);
};

test('a device is renamed freely and removed only with the password', async () => {
  await using server = await startServer();
  const laptop = await server.user('romeo');
  const phone = await logInTestUser(server.url, 'romeo');
  await laptop.call('PUT', `${V3}/devices/${phone.deviceId}`, { display_name: 'pocket' });
  expect(await laptop.call('GET', `${V3}/devices/${phone.deviceId}`)).toMatchObject({ display_name: 'pocket' });
  expect((await laptop.attempt('PUT', `${V3}/devices/NONE`, { display_name: 'x' })).status).toBe(404);

  const question = await laptop.attempt('DELETE', `${V3}/devices/${phone.deviceId}`, {});
  expect(question).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.password'] }] } });
  const wrong = await laptop.attempt('DELETE', `${V3}/devices/${phone.deviceId}`, {
    auth: passwordAuth('romeo', question.body['session'], 'wrong'),
  });
  expect(wrong).toMatchObject({ status: 401, body: { errcode: 'M_FORBIDDEN', session: question.body['session'] } });
  await laptop.call('DELETE', `${V3}/devices/${phone.deviceId}`, { auth: passwordAuth('romeo', question.body['session']) });
  expect(await devicesOf(laptop)).toEqual([laptop.deviceId]);
  expect((await phone.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
});

test('S46: a session serves the operation, the person and the body it was begun with', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const second = await logInTestUser(server.url, 'romeo');
  const third = await logInTestUser(server.url, 'romeo');
  const juliet = await server.user('juliet');

  const begin = async (user: TestUser, deviceId: string) => (await user.attempt('DELETE', `${V3}/devices/${deviceId}`, {})).body['session'];
  const session = await begin(romeo, second.deviceId);

  // Another operation.
  const deactivate = await romeo.attempt('POST', `${V3}/account/deactivate`, { auth: passwordAuth('romeo', session) });
  expect(deactivate).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  // Another person.
  const stranger = await juliet.attempt('DELETE', `${V3}/devices/${juliet.deviceId}`, { auth: passwordAuth('juliet', session) });
  expect(stranger).toMatchObject({ status: 403 });
  // Another body, after the first proof.
  await romeo.attempt('DELETE', `${V3}/devices/${second.deviceId}`, { auth: passwordAuth('romeo', session, 'wrong') });
  expect((await romeo.attempt('DELETE', `${V3}/devices/${third.deviceId}`, { auth: passwordAuth('romeo', session) })).status).toBe(403);
  expect(await devicesOf(romeo)).toHaveLength(3);
  // Somebody else's password.
  const mine = await begin(romeo, second.deviceId);
  expect(await romeo.attempt('DELETE', `${V3}/devices/${second.deviceId}`, { auth: passwordAuth('juliet', mine) })).toMatchObject({
    status: 403,
    body: { errcode: 'M_FORBIDDEN' },
  });
});

test('S46: stages cannot be skipped, made up, or used twice', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const phone = await logInTestUser(server.url, 'romeo');
  const path = `${V3}/devices/${phone.deviceId}`;
  const { session } = (await romeo.attempt('DELETE', path, {})).body;
  for (const auth of [
    { session },
    { type: 'm.login.dummy', session },
    { type: 'constructor', session },
    { type: 'm.login.password', session },
  ]) {
    expect((await romeo.attempt('DELETE', path, { auth })).status).toBe(401);
  }
  expect((await romeo.attempt('DELETE', path, { auth: passwordAuth('romeo', 'made-up') })).status).toBe(400);
  await romeo.call('DELETE', path, { auth: passwordAuth('romeo', session) });
  expect((await romeo.attempt('DELETE', path, { auth: { session } })).status).toBe(400);
});

test('S46: no password stays in the database in plain', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  await romeo.attempt('POST', `${V3}/account/password`, { new_password: 'with love’s light wings' });
  const rows = await server.sql`select * from uia_sessions`;
  expect(rows.length).toBeGreaterThan(0);
  expect(JSON.stringify(rows)).not.toContain('light wings');
  const [account] = await server.sql`select password_hash from accounts`;
  expect(account?.['password_hash']).toMatch(/^\$2/);
});

test('a new password logs the other devices out, unless told not to', async () => {
  await using server = await startServer();
  const laptop = await server.user('romeo');
  const phone = await logInTestUser(server.url, 'romeo');
  const change = (password: string, old: string, logout: boolean) =>
    laptop.attempt('POST', `${V3}/account/password`, {
      new_password: password,
      logout_devices: logout,
      auth: passwordAuth('romeo', undefined, old),
    });
  expect((await change('short', TEST_PASSWORD, true)).body['errcode']).toBe('M_WEAK_PASSWORD');
  expect((await change('second password', TEST_PASSWORD, false)).status).toBe(200);
  expect((await phone.attempt('GET', `${V3}/account/whoami`)).status).toBe(200);
  expect((await change('third password', 'second password', true)).status).toBe(200);
  expect((await phone.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
  expect((await laptop.attempt('GET', `${V3}/account/whoami`)).status).toBe(200);
  await expect(logInTestUser(server.url, 'romeo')).rejects.toThrow('M_FORBIDDEN');
});

test('an address is added with a code and the password, and then resets a forgotten password', async () => {
  await using mail = await startMailCatcher();
  await using server = await startServer({ config: { smtpUrl: mail.url } });
  const romeo = await server.user('romeo');
  const confirm = async (kind: 'account/3pid' | 'account/password', secret: string) => {
    const { sid, submitPath } = await requestCode(server.url, kind, 'romeo@montague.test', secret);
    const token = codeIn((await mail.nextMail('romeo@montague.test')).text);
    await callServer(server.url, 'POST', submitPath, { sid, client_secret: secret, token });
    return sid;
  };
  const sid = await confirm('account/3pid', 'one');
  await romeo.call('POST', `${V3}/account/3pid/add`, { sid, client_secret: 'one', auth: passwordAuth('romeo') });
  expect(await romeo.call('GET', `${V3}/account/3pid`)).toMatchObject({ threepids: [{ medium: 'email', address: 'romeo@montague.test' }] });

  const reset = await confirm('account/password', 'two');
  const body = { new_password: 'a rose by any other' };
  const { body: question } = await callServer(server.url, 'POST', `${V3}/account/password`, body);
  const done = await callServer(server.url, 'POST', `${V3}/account/password`, {
    ...body,
    auth: emailAuth(question['session'], reset, 'two'),
  });
  expect(done.status).toBe(200);
  expect((await romeo.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
  const login = await callServer(server.url, 'POST', `${V3}/login`, {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: 'romeo' },
    password: 'a rose by any other',
  });
  expect(login.status).toBe(200);
});

test('S46: a proof for signing up resets no password', async () => {
  await using mail = await startMailCatcher();
  await using server = await startServer({ config: { smtpUrl: mail.url } });
  const { sid, submitPath } = await requestCode(server.url, 'register', 'a@verona.test', 'one');
  const token = codeIn((await mail.nextMail('a@verona.test')).text);
  await callServer(server.url, 'POST', submitPath, { sid, client_secret: 'one', token });
  const body = { new_password: 'a rose by any other' };
  const { body: question } = await callServer(server.url, 'POST', `${V3}/account/password`, body);
  const attempt = await callServer(server.url, 'POST', `${V3}/account/password`, {
    ...body,
    auth: emailAuth(question['session'], sid, 'one'),
  });
  expect(attempt.status).toBe(401);
});

test('S45: a deactivated account has no tokens, no log-in, no reset, and its name stays taken', async () => {
  await using server = await startServer();
  const romeo = await server.user('romeo');
  const login = await callServer(server.url, 'POST', `${V3}/login`, {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: 'romeo' },
    password: TEST_PASSWORD,
    refresh_token: true,
  });
  expect((await romeo.attempt('POST', `${V3}/account/deactivate`, {})).status).toBe(401);
  const done = await romeo.call('POST', `${V3}/account/deactivate`, { auth: passwordAuth('romeo') });
  expect(done).toEqual({ id_server_unbind_result: 'success' });
  expect((await romeo.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
  expect((await callServer(server.url, 'POST', `${V3}/refresh`, { refresh_token: login.body['refresh_token'] })).status).toBe(401);
  await expect(logInTestUser(server.url, 'romeo')).rejects.toThrow('M_FORBIDDEN');
  await expect(registerTestUser(server.url, 'romeo')).rejects.toThrow('M_USER_IN_USE');
});

test('passwords longer than bcrypt reads are compared whole', async () => {
  await using server = await startServer();
  const long = 'x'.repeat(100);
  const auth = { type: 'm.login.dummy' };
  await callServer(server.url, 'POST', `${V3}/register`, { username: 'long', password: `${long}a`, auth });
  const attempt = (password: string) =>
    callServer(server.url, 'POST', `${V3}/login`, { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'long' }, password });
  expect((await attempt(`${long}b`)).status).toBe(403);
  expect((await attempt(`${long}a`)).status).toBe(200);
});
