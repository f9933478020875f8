import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, createNames, createTestUser, logInTestUser, TEST_PASSWORD } from '../kit/test-user.ts';
import { authorizePath, beginAuthorization, readReturn, redeemCode } from './oauth-client.ts';
import { startOidcProvider, type TestOidcProvider } from './oidc-provider.ts';
import { createPageVisitor, type PageVisitor, type SeenPage } from './page-visitor.ts';
import { V3 } from './sign-up-steps.ts';

const nameOf = createNames();
const APP = 'https://app.verona.test/#/login?theme=dark';
let provider: TestOidcProvider;
let server: TestServer;
beforeAll(async () => {
  provider = await startOidcProvider();
  const { issuer: oidcIssuer, clientId: oidcClientId, clientSecret: oidcClientSecret } = provider;
  server = await startServer({ config: { registration: 'closed', oidcIssuer, oidcClientId, oidcClientSecret, oidcName: 'Verona ID' } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});
beforeEach(() => {
  provider.lie = {};
});

const redirect = (url = APP, idp = '') => `${V3}/login/sso/redirect${idp}?redirectUrl=${encodeURIComponent(url)}`;

/** Goes to the provider and comes back, as a browser does. */
async function visitProvider(visitor: PageVisitor, path: string): Promise<SeenPage> {
  const { location } = await visitor.open(path);
  const answer = await fetch(location ?? '', { redirect: 'manual' });
  return await visitor.open(answer.headers.get('location') ?? '');
}

/** The token at the end of the link that a page shows. */
function tokenIn({ text }: SeenPage): string {
  const href = /<a class="button" href="([^"]+)">Continue/.exec(text)?.[1] ?? '';
  const url = new URL(href.replaceAll('&amp;', '&'));
  expect(url.origin + url.pathname + url.hash).toBe('https://app.verona.test/#/login?theme=dark');
  return url.searchParams.get('loginToken') ?? '';
}

const useToken = (token: string) => callServer(server.url, 'POST', `${V3}/login`, { type: 'm.login.token', token });

async function signUp(sub: string, username: string) {
  provider.person = { sub, preferred_username: username, name: `${username} of Verona` };
  const visitor = createPageVisitor(server.url);
  await visitProvider(visitor, redirect());
  return { visitor, page: await visitor.submit({ username }) };
}

test('clients are told of the provider', async () => {
  const { body } = await callServer(server.url, 'GET', `${V3}/login`);
  expect(body['flows']).toContainEqual({ type: 'm.login.sso', identity_providers: [{ id: 'oidc', name: 'Verona ID' }] });
});

test('a newcomer chooses a name once, and is then known by the subject alone', async () => {
  const [sub, wished, username] = [nameOf('r-1'), nameOf('Romeo Montague'), nameOf('romeo')];
  provider.person = { sub, preferred_username: wished, name: 'Romeo' };
  const visitor = createPageVisitor(server.url);
  const asked = await visitProvider(visitor, redirect());
  expect(asked.text).toContain(`value="${wished.toLowerCase().replace(' ', '=20')}"`);
  expect((await visitor.submit({ username: 'rome o' })).text).toContain('User names are made of');
  const login = await useToken(tokenIn(await visitor.submit({ username })));
  expect(login).toMatchObject({ status: 200, body: { user_id: `@${username}:hs.test` } });
  expect((await callServer(server.url, 'GET', `${V3}/profile/@${username}:hs.test`)).body).toEqual({ displayname: 'Romeo' });

  provider.person = { sub, preferred_username: 'somebody-else' };
  const again = await visitProvider(createPageVisitor(server.url), redirect(APP, '/oidc'));
  const token = tokenIn(again);
  expect(await useToken(token)).toMatchObject({ status: 200, body: { user_id: `@${username}:hs.test` } });
  expect((await useToken(token)).status).toBe(403);
});

test('a name that is taken is not given away by the provider’s word', async () => {
  const [juliet, other] = [nameOf('juliet'), nameOf('juliet')];
  await signUp(nameOf('j'), juliet);
  const { visitor, page } = await signUp(nameOf('j'), juliet);
  expect(page.text).toContain('This user name is taken');
  expect((await visitor.submit({ username: other })).text).toContain(`@${other}:hs.test`);
});

test('S47: an answer is good for the browser that asked, once, and only if the provider has signed it for us', async () => {
  provider.person = { sub: 'm-1', preferred_username: 'mercutio' };
  const victim = createPageVisitor(server.url);
  await victim.open(redirect());
  const attacker = createPageVisitor(server.url);
  const { location } = await attacker.open(redirect());
  const back = (await fetch(location ?? '', { redirect: 'manual' })).headers.get('location') ?? '';
  expect(await victim.open(back)).toMatchObject({ status: 403, text: expect.stringContaining('begun elsewhere') });
  expect((await attacker.open(back)).status).toBe(403); // the state is spent

  for (const lie of [{ nonce: 'other' }, { issuer: 'https://evil.test' }, { audience: 'another' }, { isForged: true }]) {
    provider.lie = lie;
    expect((await visitProvider(createPageVisitor(server.url), redirect())).status).toBe(403);
  }
  provider.lie = {};
  const denied = createPageVisitor(server.url);
  await denied.open(redirect());
  const refused = await denied.open('/oauth2/callback?error=access_denied&error_description=<script>alert(1)</script>&state=x');
  expect(refused).toMatchObject({ status: 403, text: expect.not.stringContaining('<script>alert') });
});

test('S47: nobody is sent to an address that runs code, or to a provider that is not there', async () => {
  for (const url of ['javascript:alert(1)', 'data:text/html,x', 'no address']) {
    expect((await fetch(server.url + redirect(url), { redirect: 'manual' })).status).toBe(400);
  }
  expect((await fetch(server.url + redirect(APP, '/other'), { redirect: 'manual' })).status).toBe(404);
  const open = await fetch(`${server.url}/oauth2/upstream?provider=oidc&back=${encodeURIComponent('https://evil.test/')}`, {
    redirect: 'manual',
  });
  expect(open.status).toBe(400);
});

test('S45: a locked account is not let in by the provider either', async () => {
  const tybalt = nameOf('tybalt');
  await signUp(nameOf('t'), tybalt);
  await server.sql`update accounts set status = 'locked' where user_nid = (select user_nid from users where user_id = ${`@${tybalt}:hs.test`})`;
  const page = await visitProvider(createPageVisitor(server.url), redirect());
  expect(page).toMatchObject({ status: 403, text: expect.stringContaining('locked') });
});

test('our own pages let people in by the provider, too, and go on to the client', async () => {
  await signUp(nameOf('b'), nameOf('benvolio'));
  const attempt = await beginAuthorization(server);
  const visitor = createPageVisitor(server.url);
  const signIn = await visitor.open(authorizePath(attempt.query));
  const link = /href="(\/oauth2\/upstream\?[^"]+)">Continue with Verona ID/.exec(signIn.text)?.[1] ?? '';
  expect((await visitProvider(visitor, link.replaceAll('&amp;', '&'))).text).toContain('Allow Verona?');
  const returned = readReturn((await visitor.submit({ do: 'allow' })).location);
  expect((await redeemCode(server, { ...attempt, code: returned.get('code') ?? '' })).status).toBe(200);
});

test('who has no password proves it is them by the provider; somebody else’s sign-in proves nothing', async () => {
  const [sub, other] = [nameOf('n'), nameOf('p')];
  await signUp(other, nameOf('paris'));
  const { page } = await signUp(sub, nameOf('nurse'));
  const { body } = await useToken(tokenIn(page));
  const nurse = createTestUser(server.url, {
    id: String(body['user_id']),
    deviceId: String(body['device_id']),
    accessToken: String(body['access_token']),
  });
  const path = `${V3}/devices/${nurse.deviceId}`;
  const asked = await nurse.attempt('DELETE', path, {});
  expect(asked).toMatchObject({ status: 401, body: { flows: [{ stages: ['m.login.sso'] }] } });
  const { session } = asked.body;
  const fallback = `${V3}/auth/m.login.sso/fallback/web?session=${session}`;
  expect((await nurse.attempt('DELETE', path, { auth: { session, type: 'm.login.sso' } })).status).toBe(401);

  provider.person = { sub: other };
  expect((await visitProvider(createPageVisitor(server.url), fallback)).text).toContain('somebody else');
  expect((await nurse.attempt('DELETE', path, { auth: { session } })).status).toBe(401);
  provider.person = { sub };
  expect((await visitProvider(createPageVisitor(server.url), fallback)).text).toContain('onAuthDone');
  expect((await nurse.attempt('DELETE', path, { auth: { session } })).status).toBe(200);
});

test('a server without a provider offers none, and one whose provider is away says so', async () => {
  await using plain = await startServer();
  await plain.user('romeo');
  expect((await callServer(plain.url, 'GET', `${V3}/login`)).body['flows']).not.toContainEqual(
    expect.objectContaining({ type: 'm.login.sso' }),
  );
  expect((await callServer(plain.url, 'GET', redirect())).status).toBe(404);
  expect((await logInTestUser(plain.url, 'romeo')).id).toBe('@romeo:hs.test');
  const oidc = { oidcIssuer: 'http://127.0.0.1:9', oidcClientId: 'x', oidcClientSecret: TEST_PASSWORD };
  await using lonely = await startServer({ config: oidc });
  const page = await fetch(lonely.url + redirect(), { redirect: 'manual' });
  expect([page.status, await page.text()]).toEqual([403, expect.stringContaining('cannot be reached')]);
});
