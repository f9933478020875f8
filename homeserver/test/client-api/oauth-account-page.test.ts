import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startMailCatcher } from '../kit/mail-catcher.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, createTestUser, logInTestUser, TEST_PASSWORD } from '../kit/test-user.ts';
import { createCrossSigning, setUpDevice } from './crypto-device.ts';
import { authorizePath, beginAuthorization, logInByOAuth, readReturn, redeemCode } from './oauth-client.ts';
import { createPageVisitor } from './page-visitor.ts';
import { codeIn, PASSWORD, V3 } from './sign-up-steps.ts';

const clock = createFakeClock();
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ clock });
});
afterAll(() => server[Symbol.asyncDispose]());

async function signIn(user: string, path = '/account') {
  const visitor = createPageVisitor(server.url);
  await visitor.open(path);
  return { visitor, page: await visitor.submit({ do: 'sign-in', username: user, password: TEST_PASSWORD }) };
}

test('a person changes the name that others see', async () => {
  const romeo = await server.user('romeo');
  const { visitor, page } = await signIn(romeo.localpart, '/account?action=org.matrix.profile');
  expect(page.text).toContain('Your profile');
  expect((await visitor.submit({ do: 'save', displayname: '<b>Romeo</b>' })).text).toContain('value="&lt;b&gt;Romeo&lt;/b&gt;"');
  const profile = await callServer(server.url, 'GET', `${V3}/profile/${romeo.id}`);
  expect(profile.body).toEqual({ displayname: '<b>Romeo</b>' });
});

test('a link leads to one device, which is renamed and logged out there; another person’s is not', async () => {
  const juliet = await server.user('juliet');
  const other = await server.user('rosaline');
  const phone = await logInTestUser(server.url, juliet.localpart);
  const { visitor, page } = await signIn(juliet.localpart, `/account?action=org.matrix.device_view&device_id=${phone.deviceId}`);
  expect(page.text).toContain('Log this device out');
  await visitor.submit({ do: 'rename', display_name: 'balcony phone' });
  expect(await juliet.call('GET', `${V3}/devices/${phone.deviceId}`)).toMatchObject({ display_name: 'balcony phone' });
  const stranger = await signIn(other.localpart, `/account?action=org.matrix.device_delete&device_id=${phone.deviceId}`);
  expect(stranger.page.text).toContain('You have no device');
  await stranger.visitor.submit({ do: 'delete' });
  expect((await phone.attempt('GET', `${V3}/account/whoami`)).status).toBe(200);
  expect((await visitor.submit({ do: 'delete' })).text).toContain('is logged out');
  expect((await phone.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
  expect((await visitor.open('/account?action=org.matrix.devices_list')).text).toContain(juliet.deviceId);
});

/** An OAuth session with cross-signing keys, which it tries to replace. */
async function beginReset(name: string) {
  const { id, localpart } = await server.user(name);
  const session = await logInByOAuth(server, localpart);
  const user = createTestUser(server.url, { id, deviceId: session.deviceId, accessToken: session.accessToken });
  const { pair } = await setUpDevice(user);
  const path = `${V3}/keys/device_signing/upload`;
  await user.call('POST', path, (await createCrossSigning(user, pair)).upload); // the first keys need no proof
  const upload = async (auth?: object) =>
    user.attempt('POST', path, { ...(await createCrossSigning(user, pair)).upload, ...(auth === undefined ? {} : { auth }) });
  return { upload, localpart };
}

test('cross-signing keys of an OAuth session are replaced after a visit to the page, once', async () => {
  const { upload, localpart } = await beginReset('mercutio');
  const asked = await upload();
  const resetUrl = `${server.url}/account?action=org.matrix.cross_signing_reset`;
  expect(asked).toMatchObject({
    status: 401,
    body: { flows: expect.arrayContaining([{ stages: ['m.oauth'] }]), params: { 'm.oauth': { url: resetUrl } } },
  });
  const auth = { session: asked.body['session'] };
  expect((await upload(auth)).status).toBe(401);
  const { visitor } = await signIn(localpart, new URL(resetUrl).pathname + new URL(resetUrl).search);
  expect((await visitor.submit({ do: 'reset', password: 'not this' })).status).toBe(400);
  expect((await upload()).status).toBe(401);
  expect((await visitor.submit({ do: 'reset', password: TEST_PASSWORD })).text).toContain('Allowed');
  expect((await upload(auth)).status).toBe(200);
  expect((await upload()).status).toBe(401);
});

test('an approval is over after ten minutes', async () => {
  const { upload, localpart } = await beginReset('paris');
  const { visitor } = await signIn(localpart, '/account?action=org.matrix.cross_signing_reset');
  await visitor.submit({ do: 'reset', password: TEST_PASSWORD });
  clock.advance(601_000);
  expect((await upload()).status).toBe(401);
});

test('an account is deactivated with its password, and its browsers are signed out', async () => {
  const tybalt = await server.user('tybalt');
  const { visitor } = await signIn(tybalt.localpart, '/account?action=org.matrix.account_deactivate');
  expect((await visitor.submit({ do: 'deactivate', password: '' })).status).toBe(400);
  expect((await tybalt.attempt('GET', `${V3}/account/whoami`)).status).toBe(200);
  expect((await visitor.submit({ do: 'deactivate', password: TEST_PASSWORD })).text).toContain('deactivated');
  expect((await tybalt.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
  expect((await visitor.open('/account')).text).toContain('Sign in');
});

test('a session of the page ends by itself, and a new password ends it at once', async () => {
  const nurse = await server.user('nurse');
  const { visitor } = await signIn(nurse.localpart);
  expect((await visitor.open('/account')).text).toContain('Your profile');
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: nurse.localpart }, password: TEST_PASSWORD };
  await nurse.call('POST', `${V3}/account/password`, { new_password: PASSWORD, auth, logout_devices: false });
  expect((await visitor.open('/account')).text).toContain('Sign in');
  await visitor.submit({ do: 'sign-in', username: nurse.localpart, password: PASSWORD });
  clock.advance(13 * 3_600_000);
  expect((await visitor.open('/account')).text).toContain('Sign in');
});

test('whoever signs up by e-mail is mailed a code, types it on the page, and goes on to the client', async () => {
  await using mail = await startMailCatcher();
  await using strict = await startServer({ config: { registration: 'email', smtpUrl: mail.url } });
  const attempt = await beginAuthorization(strict, { prompt: 'create' });
  const visitor = createPageVisitor(strict.url);
  await visitor.open(authorizePath(attempt.query));
  expect((await visitor.submit({ do: 'mail-code', email: 'no address' })).text).toContain('role="alert"');
  const asked = await visitor.submit({ do: 'mail-code', email: 'rosaline@capulet.test' });
  expect(asked.text).toContain('rosaline@capulet.test');
  const code = codeIn((await mail.nextMail('rosaline@capulet.test')).text);
  const draft = { do: 'sign-up', username: 'rosaline', password: PASSWORD };
  expect((await visitor.submit({ ...draft, code: code === '000000' ? '111111' : '000000' })).text).toContain('The code is not right');
  expect((await visitor.submit({ ...draft, username: 'Rosa Line', code })).text).toContain('User names are made of');
  expect((await visitor.submit({ ...draft, code })).text).toContain('@rosaline:hs.test');
  const returned = readReturn((await visitor.submit({ do: 'allow' })).location);
  expect((await redeemCode(strict, { ...attempt, code: returned.get('code') ?? '' })).status).toBe(200);
});

test('a password is changed with the old one, and devices are logged out if the person wants', async () => {
  const friar = await server.user('laurence');
  const path = '/account?action=chat.blinkchat.password';
  const { visitor } = await signIn(friar.localpart, path);
  const change = (password: string, next: string, rest: Record<string, string> = {}) =>
    visitor.submit({ do: 'change', password, new_password: next, ...rest });
  expect((await change('not this', PASSWORD)).text).toContain('The password is wrong');
  expect((await change(TEST_PASSWORD, 'short')).text).toContain('at least 6 characters');
  expect((await change(TEST_PASSWORD, PASSWORD)).text).toContain('Your password is changed');
  expect((await friar.attempt('GET', `${V3}/account/whoami`)).status).toBe(200);
  await visitor.open(path);
  await visitor.submit({ do: 'sign-in', username: friar.localpart, password: PASSWORD });
  await change(PASSWORD, TEST_PASSWORD, { log_out: 'yes' });
  expect((await friar.attempt('GET', `${V3}/account/whoami`)).status).toBe(401);
});
