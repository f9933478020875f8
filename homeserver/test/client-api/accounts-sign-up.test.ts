import { createHmac } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startMailCatcher } from '../kit/mail-catcher.ts';
import { startServer } from '../kit/start-server.ts';
import { callServer, registerTestUser } from '../kit/test-user.ts';
import { codeIn, emailAuth, linkIn, PASSWORD, requestCode, V3 } from './sign-up-steps.ts';

test('a newcomer signs up with the code from a mail, and logs in by name and by address', async () => {
  await using mail = await startMailCatcher();
  await using server = await startServer({ config: { registration: 'email', smtpUrl: mail.url } });
  const body = { username: 'juliet', password: PASSWORD };

  const question = await callServer(server.url, 'POST', `${V3}/register`, body);
  expect(question).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.email.identity'] }] } });
  expect(question.body).not.toHaveProperty('errcode');

  const { sid, submitPath } = await requestCode(server.url, 'register', 'Juliet@Capulet.test', 'sekret');
  const early = await callServer(server.url, 'POST', `${V3}/register`, {
    ...body,
    auth: emailAuth(question.body['session'], sid, 'sekret'),
  });
  expect(early).toMatchObject({ status: 401, body: { errcode: 'M_THREEPID_AUTH_FAILED', completed: [] } });

  const token = codeIn((await mail.nextMail('juliet@capulet.test')).text);
  const submitted = await callServer(server.url, 'POST', submitPath, { sid, client_secret: 'sekret', token });
  expect(submitted).toMatchObject({ status: 200, body: { success: true } });

  const done = await callServer(server.url, 'POST', `${V3}/register`, {
    ...body,
    auth: emailAuth(question.body['session'], sid, 'sekret'),
  });
  expect(done).toMatchObject({
    status: 200,
    body: { user_id: '@juliet:hs.test', access_token: expect.any(String), device_id: expect.any(String) },
  });

  for (const identifier of [
    { type: 'm.id.user', user: 'juliet' },
    { type: 'm.id.thirdparty', medium: 'email', address: 'juliet@capulet.test' },
  ]) {
    const login = await callServer(server.url, 'POST', `${V3}/login`, { type: 'm.login.password', identifier, password: PASSWORD });
    expect(login).toMatchObject({ status: 200, body: { user_id: '@juliet:hs.test' } });
  }
});

test('the link in the mail serves clients without a field for the code, and asks before it confirms', async () => {
  await using mail = await startMailCatcher();
  await using server = await startServer({ config: { registration: 'email', smtpUrl: mail.url } });
  const { sid } = await requestCode(server.url, 'register', 'nurse@capulet.test', 'sekret');
  const link = linkIn((await mail.nextMail('nurse@capulet.test')).text);

  const scanned = await fetch(server.url + link);
  expect(scanned.status).toBe(200);
  expect(scanned.headers.get('content-security-policy')).toContain("default-src 'none'");
  const body = { username: 'nurse', password: PASSWORD };
  const { body: question } = await callServer(server.url, 'POST', `${V3}/register`, body);
  const auth = emailAuth(question['session'], sid, 'sekret');
  expect(await callServer(server.url, 'POST', `${V3}/register`, { ...body, auth })).toMatchObject({ status: 401 });

  expect((await fetch(server.url + link, { method: 'POST' })).status).toBe(200);
  expect(await callServer(server.url, 'POST', `${V3}/register`, { ...body, auth })).toMatchObject({ status: 200 });
  expect((await fetch(`${server.url + link}x`, { method: 'POST' })).status).toBe(400);
});

test('without SMTP the mail is a file in the outbox', async () => {
  await using server = await startServer({ config: { registration: 'email' } });
  await requestCode(server.url, 'register', 'friar@laurence.test', 'sekret');
  const outbox = join(server.config.dataDir, 'outbox');
  await expect.poll(async () => (await readdir(outbox).catch(() => [])).length).toBe(1);
  const [file] = await readdir(outbox);
  expect(codeIn(await readFile(join(outbox, String(file)), 'utf8'))).toMatch(/^\d{6}$/);
});

test('S46: a one-time code is tried five times, lives ten minutes, and is stored as an HMAC', async () => {
  const clock = createFakeClock();
  await using mail = await startMailCatcher();
  await using server = await startServer({ clock, config: { registration: 'email', smtpUrl: mail.url } });
  const submit = (path: string, sid: string, token: string) =>
    callServer(server.url, 'POST', path, { sid, client_secret: 'sekret', token });

  const first = await requestCode(server.url, 'register', 'one@verona.test', 'sekret');
  const code = codeIn((await mail.nextMail('one@verona.test')).text);
  const wrong = code === '000000' ? '000001' : '000000';
  const [stored] = await server.sql`select code_hmac, link_hash from email_validations`;
  expect(JSON.stringify(stored)).not.toContain(code);
  for (let attempt = 0; attempt < 5; attempt += 1) {
    expect(await submit(first.submitPath, first.sid, wrong)).toMatchObject({ status: 400, body: { errcode: 'M_TOKEN_INCORRECT' } });
  }
  expect(await submit(first.submitPath, first.sid, code)).toMatchObject({ status: 400, body: { errcode: 'M_SESSION_EXPIRED' } });

  const second = await requestCode(server.url, 'register', 'two@verona.test', 'sekret');
  const late = codeIn((await mail.nextMail('two@verona.test')).text);
  clock.advance(10 * 60_000 + 1);
  expect(await submit(second.submitPath, second.sid, late)).toMatchObject({ status: 400, body: { errcode: 'M_SESSION_EXPIRED' } });
  const [row] = await server.sql`select client_secret_hash from email_validations limit 1`;
  expect(String(row?.['client_secret_hash'])).not.toContain('sekret');
});

test('the same attempt sends no second mail, a later one sends a new code', async () => {
  await using mail = await startMailCatcher();
  await using server = await startServer({ config: { registration: 'email', smtpUrl: mail.url } });
  const first = await requestCode(server.url, 'register', 'a@verona.test', 'sekret', 1);
  await mail.nextMail('a@verona.test');
  expect((await requestCode(server.url, 'register', 'a@verona.test', 'sekret', 1)).sid).toBe(first.sid);
  const again = await requestCode(server.url, 'register', 'a@verona.test', 'sekret', 2);
  expect(again.sid).toBe(first.sid);
  const token = codeIn((await mail.nextMail('a@verona.test')).text);
  expect(await callServer(server.url, 'POST', again.submitPath, { sid: again.sid, client_secret: 'sekret', token })).toMatchObject({
    status: 200,
  });
  expect(mail.mails).toHaveLength(2);
});

test('S46: a proof of an address is good for one account', async () => {
  await using mail = await startMailCatcher();
  await using server = await startServer({ config: { registration: 'email', smtpUrl: mail.url } });
  const { sid, submitPath } = await requestCode(server.url, 'register', 'a@verona.test', 'sekret');
  const token = codeIn((await mail.nextMail('a@verona.test')).text);
  await callServer(server.url, 'POST', submitPath, { sid, client_secret: 'sekret', token });

  const register = async (username: string) => {
    const body = { username, password: PASSWORD };
    const { body: question } = await callServer(server.url, 'POST', `${V3}/register`, body);
    return await callServer(server.url, 'POST', `${V3}/register`, { ...body, auth: emailAuth(question['session'], sid, 'sekret') });
  };
  expect((await register('sampson')).status).toBe(200);
  expect((await register('gregory')).status).toBe(401);
});

test('S53: asking for a code answers alike whether or not the address has an account', async () => {
  await using mail = await startMailCatcher();
  await using server = await startServer({ config: { registration: 'email', smtpUrl: mail.url } });
  const { sid, submitPath } = await requestCode(server.url, 'register', 'a@verona.test', 'sekret');
  const token = codeIn((await mail.nextMail('a@verona.test')).text);
  await callServer(server.url, 'POST', submitPath, { sid, client_secret: 'sekret', token });
  const body = { username: 'abram', password: PASSWORD };
  const { body: question } = await callServer(server.url, 'POST', `${V3}/register`, body);
  await callServer(server.url, 'POST', `${V3}/register`, { ...body, auth: emailAuth(question['session'], sid, 'sekret') });

  expect(await requestCode(server.url, 'register', 'a@verona.test', 'other')).toMatchObject({ status: 200, submitPath });
  const told = await mail.nextMail('a@verona.test');
  expect(told.subject).toContain('already have an account');
  expect(told.text).not.toMatch(/\b\d{6}\b/);
  expect(await requestCode(server.url, 'account/password', 'nobody@verona.test', 'other')).toMatchObject({ status: 200, submitPath });
});

test('open registration offers m.login.dummy, closed registration refuses', async () => {
  await using open = await startServer({ config: { registration: 'open' } });
  const question = await callServer(open.url, 'POST', `${V3}/register`, {});
  expect(question.body['flows']).toContainEqual({ stages: ['m.login.dummy'] });
  await using closed = await startServer({ config: { registration: 'closed' } });
  const refused = await callServer(closed.url, 'POST', `${V3}/register`, { username: 'peter', password: PASSWORD });
  expect(refused).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  const mail = { client_secret: 'sekret', email: 'a@verona.test', send_attempt: 1 };
  expect((await callServer(closed.url, 'POST', `${V3}/register/email/requestToken`, mail)).status).toBe(403);
});

test('a registration token works as often as it says', async () => {
  await using server = await startServer({ config: { registration: 'token' } });
  await server.sql`insert into registration_tokens (token, uses_allowed) values ('montague', 1)`;
  const validity = (token: string) =>
    callServer(server.url, 'GET', `/_matrix/client/v1/register/m.login.registration_token/validity?token=${token}`);
  expect((await validity('montague')).body).toEqual({ valid: true });
  expect((await validity('capulet')).body).toEqual({ valid: false });

  const register = (username: string, token: string) =>
    callServer(server.url, 'POST', `${V3}/register`, {
      username,
      password: PASSWORD,
      auth: { type: 'm.login.registration_token', token },
    });
  expect(await register('benvolio', 'capulet')).toMatchObject({ status: 401, body: { errcode: 'M_UNAUTHORIZED' } });
  expect((await register('benvolio', 'montague')).status).toBe(200);
  expect((await register('balthasar', 'montague')).status).toBe(401);
});

test('user names are checked before any proof is asked for', async () => {
  await using server = await startServer();
  await server.user('romeo');
  const attempt = (username: string) => callServer(server.url, 'POST', `${V3}/register`, { username, password: PASSWORD });
  expect((await attempt('romeo')).body['errcode']).toBe('M_USER_IN_USE');
  expect((await attempt('Röméo')).body['errcode']).toBe('M_INVALID_USERNAME');
  expect((await attempt('12345')).body['errcode']).toBe('M_INVALID_USERNAME');
  expect((await attempt('a'.repeat(260))).body['errcode']).toBe('M_INVALID_USERNAME');
  const available = (username: string) => callServer(server.url, 'GET', `${V3}/register/available?username=${username}`);
  expect(await available('juliet')).toMatchObject({ status: 200, body: { available: true } });
  expect((await available('romeo')).body['errcode']).toBe('M_USER_IN_USE');
});

test('of two sign-ups for one name at once, one wins', async () => {
  await using server = await startServer();
  const answers = await Promise.all(Array.from({ length: 4 }, () => registerTestUser(server.url, 'paris').catch((error: Error) => error)));
  expect(answers.filter((answer) => answer instanceof Error)).toHaveLength(3);
});

test('the first account from this machine is the admin, the second is not', async () => {
  await using server = await startServer();
  const first = await server.user('escalus');
  const second = await server.user('romeo');
  const capabilities = async (user: typeof first) => (await user.call('GET', `${V3}/capabilities`))['capabilities'];
  expect(await capabilities(first)).toHaveProperty(['m.account_moderation']);
  expect(await capabilities(second)).not.toHaveProperty(['m.account_moderation']);
  expect(await capabilities(second)).toMatchObject({ 'm.room_versions': { default: '12' }, 'm.change_password': { enabled: true } });
});

test('S54: shared-secret registration wants the right MAC, and a nonce that was not used', async () => {
  await using server = await startServer({ config: { registration: 'closed', registrationSecret: 'rosaline' } });
  const path = '/_synapse/admin/v1/register';
  const nonce = async () => String((await callServer(server.url, 'GET', path)).body['nonce']);
  const draft = (username: string, given: string, secret: string) => {
    const mac = createHmac('sha1', secret).update([given, username, PASSWORD, 'notadmin'].join('\u0000')).digest('hex');
    return { nonce: given, username, password: PASSWORD, admin: false, mac };
  };
  const good = await nonce();
  expect(await callServer(server.url, 'POST', path, draft('tybalt', good, 'rosaline'))).toMatchObject({
    status: 200,
    body: { user_id: '@tybalt:hs.test', access_token: expect.any(String), home_server: 'hs.test' },
  });
  expect((await callServer(server.url, 'POST', path, draft('peter', good, 'rosaline'))).status).toBe(400);
  expect((await callServer(server.url, 'POST', path, draft('peter', await nonce(), 'wrong'))).status).toBe(403);
});

test('guests get an account of their own only where guests are allowed', async () => {
  await using server = await startServer({ config: { guests: true } });
  const guest = await callServer(server.url, 'POST', `${V3}/register?kind=guest`, {});
  expect(guest).toMatchObject({ status: 200, body: { user_id: expect.stringMatching(/^@\d+:hs\.test$/) } });
  const whoami = await callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, String(guest.body['access_token']));
  expect(whoami.body).toMatchObject({ is_guest: true });
  await using closed = await startServer();
  expect((await callServer(closed.url, 'POST', `${V3}/register?kind=guest`, {})).status).toBe(403);
});
