import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMailCatcher } from '../kit/mail-catcher.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, createNames } from '../kit/test-user.ts';
import { type CaptchaService, startCaptchaService } from './captcha-service.ts';
import { authorizePath, beginAuthorization } from './oauth-client.ts';
import { createPageVisitor } from './page-visitor.ts';
import { codeIn, PASSWORD, V3 } from './sign-up-steps.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const PRIVACY = { version: '1.2', en: { name: 'Privacy <policy>', url: 'https://verona.test/privacy' } };
let folder: string;
let terms: string;
let captcha: CaptchaService;
let server: TestServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bct-terms-'));
  terms = join(folder, 'terms.json');
  await writeFile(terms, JSON.stringify({ privacy_policy: PRIVACY }));
  captcha = await startCaptchaService('two gentlemen');
  const captchaSettings = { captchaSiteKey: 'site-key', captchaSecret: 'captcha-secret', captchaVerifyUrl: captcha.url };
  server = await startServer({ config: { terms, ...captchaSettings } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await captcha[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const register = (username: string, auth?: object) =>
  callServer(server.url, 'POST', `${V3}/register`, { username, password: PASSWORD, ...(auth === undefined ? {} : { auth }) });
const fallback = (stage: string, session: unknown) => `${V3}/auth/${stage}/fallback/web?session=${session}`;

test('a newcomer solves the captcha and accepts the terms, in the order of the flow, and it is noted which', async () => {
  const username = nameOf('valentine');
  const asked = await register(username);
  expect(asked).toMatchObject({
    status: 401,
    body: {
      flows: expect.arrayContaining([{ stages: ['m.login.recaptcha', 'm.login.terms', 'm.login.dummy'] }]),
      params: {
        'm.login.recaptcha': { public_key: 'site-key' },
        'm.login.terms': { policies: { privacy_policy: PRIVACY } },
      },
    },
  });
  const { session } = asked.body;
  const solve = (response?: string) => register(username, { type: 'm.login.recaptcha', session, response });
  expect((await solve()).body).toMatchObject({ errcode: 'M_CAPTCHA_NEEDED', completed: [] });
  expect((await solve('three gentlemen')).body).toMatchObject({ errcode: 'M_CAPTCHA_INVALID', completed: [] });
  expect((await solve('two gentlemen')).body).toMatchObject({ completed: ['m.login.recaptcha'] });
  expect(captcha.asked.at(-1)).toEqual({ secret: 'captcha-secret', response: 'two gentlemen' });
  expect((await register(username, { type: 'm.login.dummy', session })).status).toBe(401);
  const done = await register(username, { type: 'm.login.terms', session });
  expect(done).toMatchObject({ status: 200, body: { user_id: `@${username}:hs.test` } });
  const rows =
    await server.sql`select policy, version from accepted_policies join users using (user_nid) where user_id = ${`@${username}:hs.test`}`;
  expect([...rows]).toEqual([{ policy: 'privacy_policy', version: '1.2' }]);
});

test('clients that can show neither send the person to pages', async () => {
  const username = nameOf('proteus');
  const { session } = (await register(username)).body;
  const visitor = createPageVisitor(server.url);
  const captchaPage = await visitor.open(fallback('m.login.recaptcha', session));
  expect(captchaPage.text).toContain('data-sitekey="site-key"');
  expect(captchaPage.headers.get('content-security-policy')).toContain('script-src https://www.google.com/recaptcha/');
  expect((await visitor.submit({ 'g-recaptcha-response': 'wrong' })).status).toBe(400);
  expect((await visitor.submit({ 'g-recaptcha-response': 'two gentlemen' })).text).toContain('onAuthDone');
  expect((await visitor.open(fallback('m.login.terms', session))).text).toContain('Privacy &lt;policy&gt;');
  expect((await visitor.submit({ accept_privacy_policy: 'yes' })).text).toContain('onAuthDone');
  await visitor.open(fallback('m.login.dummy', session));
  await visitor.submit({});
  expect(await register(username, { session })).toMatchObject({ status: 200, body: { user_id: `@${username}:hs.test` } });
});

test('our own sign-up page asks for both as well', async () => {
  const attempt = await beginAuthorization(server, { prompt: 'create' });
  const visitor = createPageVisitor(server.url);
  const page = await visitor.open(authorizePath(attempt.query));
  expect(page.text).toContain('https://verona.test/privacy');
  const username = nameOf('silvia');
  const draft = { do: 'sign-up', username, password: PASSWORD };
  const all = { ...draft, accept_privacy_policy: 'yes', 'g-recaptcha-response': 'two gentlemen' };
  expect((await visitor.submit(draft)).text).toContain('role="alert"');
  expect((await visitor.submit({ ...all, accept_privacy_policy: 'no' })).text).toContain('role="alert"');
  expect((await visitor.submit({ ...all, 'g-recaptcha-response': 'no' })).text).toContain('The captcha was not solved');
  expect((await visitor.submit(all)).text).toContain(`@${username}:hs.test`);
});

test('a client without fields for address and code sends the person to a page for them', async () => {
  await using mail = await startMailCatcher();
  await using strict = await startServer({ config: { registration: 'email', smtpUrl: mail.url } });
  const body = { username: 'julia', password: PASSWORD };
  const { session } = (await callServer(strict.url, 'POST', `${V3}/register`, body)).body;
  const visitor = createPageVisitor(strict.url);
  await visitor.open(fallback('m.login.email.identity', session));
  expect((await visitor.submit({ email: 'julia' })).status).toBe(400);
  await visitor.submit({ email: 'julia@verona.test' });
  const code = codeIn((await mail.nextMail('julia@verona.test')).text);
  expect((await visitor.submit({ code: code === '000000' ? '111111' : '000000' })).text).toContain('The code is not right');
  expect((await visitor.submit({ code })).text).toContain('onAuthDone');
  const done = await callServer(strict.url, 'POST', `${V3}/register`, { ...body, auth: { session } });
  expect(done).toMatchObject({ status: 200, body: { user_id: '@julia:hs.test' } });
  const stranger = createPageVisitor(strict.url);
  await stranger.open(fallback('m.login.email.identity', 'made-up'));
  expect((await stranger.submit({ email: 'spam@verona.test' })).text).toContain('unknown or has expired');
});

test('there are no pages for what is not asked for, and a server does not start with terms it cannot show', async () => {
  await using plain = await startServer();
  for (const stage of ['m.login.terms', 'm.login.recaptcha', 'm.login.password', 'constructor']) {
    expect((await fetch(plain.url + fallback(stage, 'x'))).status).toBe(404);
  }
  await writeFile(join(folder, 'wrong.json'), '{"privacy_policy": {"en": {"name": "x", "url": "javascript:alert(1)"}}}');
  await expect(startServer({ config: { terms: join(folder, 'wrong.json') } })).rejects.toThrow('BLINKCHAT_TERMS');
});

test('the page to log in with is served, and runs its own script only', async () => {
  const answer = await fetch(`${server.url}/_matrix/static/client/login/?device_id=LUTE`);
  expect(answer.headers.get('content-type')).toContain('text/html');
  expect(answer.headers.get('content-security-policy')).toMatch(/script-src 'sha256-[^']+';.*connect-src 'self'/);
  expect(await answer.text()).toContain('matrixLogin');
});
