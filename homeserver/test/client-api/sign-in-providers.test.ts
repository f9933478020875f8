import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCleanup } from '../kit/cleanup.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, createNames, TEST_PASSWORD } from '../kit/test-user.ts';
import { startOidcProvider, type TestOidcProvider } from './oidc-provider.ts';
import { createPageVisitor, type PageVisitor, type SeenPage } from './page-visitor.ts';
import { V3 } from './sign-up-steps.ts';

const APP = 'https://app.verona.test/#/login';
const nameOf = createNames();
const cleanup = createCleanup();
let verona: TestOidcProvider;
let mantua: TestOidcProvider;
let server: TestServer;
let file: string;

const entryOf = (id: string, name: string, provider: TestOidcProvider) => ({
  id,
  name,
  issuer: provider.issuer,
  client_id: provider.clientId,
  client_secret: provider.clientSecret,
});

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bct-oidc-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  file = join(folder, 'providers.json');
  verona = cleanup.use(await startOidcProvider());
  mantua = cleanup.use(await startOidcProvider());
  const providers = [
    { ...entryOf('verona', 'Verona ID', verona), brand: 'gitlab', icon: 'mxc://hs.test/icon' },
    entryOf('mantua', 'Mantua Pass', mantua),
  ];
  await writeFile(file, JSON.stringify(providers));
  server = cleanup.use(await startServer({ config: { oidcProviders: file } }));
  await server.user('romeo');
});
afterAll(() => cleanup.run());

const redirect = (idp = '', rest = '') => `${V3}/login/sso/redirect${idp}?redirectUrl=${encodeURIComponent(APP)}${rest}`;
const useToken = (token: string | null) => callServer(server.url, 'POST', `${V3}/login`, { type: 'm.login.token', token });

/** Goes to the provider and comes back, as a browser does. */
async function goThere(visitor: PageVisitor, location: string | null): Promise<SeenPage> {
  const answer = await fetch(location ?? '', { redirect: 'manual' });
  return await visitor.open(answer.headers.get('location') ?? '');
}

async function visit(path: string): Promise<{ visitor: PageVisitor; seen: SeenPage }> {
  const visitor = createPageVisitor(server.url);
  const { location } = await visitor.open(path);
  return { visitor, seen: await goThere(visitor, location) };
}

function tokenIn({ text }: SeenPage): string | null {
  const href = /<a class="button" href="([^"]+)">Continue/.exec(text)?.[1] ?? APP;
  return new URL(href.replaceAll('&amp;', '&')).searchParams.get('loginToken');
}

/** Where a page sends somebody on. */
function linkTo({ text }: SeenPage): string | null {
  return /<a class="button" href="([^"]+)">Continue to/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? null;
}

test('clients are told of every provider, and send people to any of them', async () => {
  const { body } = await callServer(server.url, 'GET', `${V3}/login`);
  expect(body['flows']).toContainEqual({
    type: 'm.login.sso',
    identity_providers: [
      { id: 'verona', name: 'Verona ID', brand: 'gitlab', icon: 'mxc://hs.test/icon' },
      { id: 'mantua', name: 'Mantua Pass' },
    ],
  });
  for (const [id, provider] of [
    ['verona', verona],
    ['mantua', mantua],
  ] as const) {
    const answer = await fetch(server.url + redirect(`/${id}`), { redirect: 'manual' });
    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toMatch(new RegExp(`^${provider.issuer}/authorize\\?`));
  }
  expect((await callServer(server.url, 'GET', redirect('/padua'))).status).toBe(404);
});

test('the same subject at two providers is two people', async () => {
  const sub = nameOf('number-one');
  const [tybalt, apothecary] = [nameOf('tybalt'), nameOf('apothecary')];
  for (const [id, provider, username] of [
    ['verona', verona, tybalt],
    ['mantua', mantua, apothecary],
  ] as const) {
    provider.person = { sub, preferred_username: username };
    const { visitor } = await visit(redirect(`/${id}`));
    const login = await useToken(tokenIn(await visitor.submit({ username })));
    expect(login.body['user_id']).toBe(`@${username}:hs.test`);
  }
  expect((await useToken(tokenIn((await visit(redirect('/mantua'))).seen))).body['user_id']).toBe(`@${apothecary}:hs.test`);
});

test('a client that names no provider sends people to a page with all of them, and the password', async () => {
  const visitor = createPageVisitor(server.url);
  const first = await fetch(server.url + redirect(), { redirect: 'manual' });
  expect(first.status).toBe(302);
  const page = await visitor.open(redirect());
  expect(page.text).toContain('Continue with Verona ID');
  expect(page.text).toContain('Continue with Mantua Pass');
  const signedIn = await visitor.submit({ do: 'sign-in', username: 'romeo', password: TEST_PASSWORD });
  expect(signedIn.text).toContain('<strong>app.verona.test</strong> wants to use your account');
  expect(signedIn.headers.get('content-security-policy')).toContain("form-action 'self' https://app.verona.test");
  const { location } = await visitor.submit({ do: 'continue' });
  expect(location).toMatch(/^https:\/\/app\.verona\.test\/\?loginToken=/);
  expect((await useToken(new URL(location ?? APP).searchParams.get('loginToken'))).body['user_id']).toBe('@romeo:hs.test');
  const dangerous = `${V3}/login/sso/redirect?redirectUrl=${encodeURIComponent('javascript:alert(1)')}`;
  expect((await callServer(server.url, 'GET', dangerous)).body['errcode']).toBe('M_INVALID_PARAM');
  expect((await callServer(server.url, 'GET', `/oauth2/sign-in?redirectUrl=${encodeURIComponent('data:text/html,x')}`)).status).toBe(400);
});

test('who wants a new account is shown the provider’s sign-up, and ours where there is a choice', async () => {
  const visitor = createPageVisitor(server.url);
  const { location } = await visitor.open(redirect('/verona', '&action=register'));
  expect(new URL(location ?? APP).searchParams.get('prompt')).toBe('create');
  const plain = await visitor.open(redirect('/verona', '&action=login'));
  expect(new URL(plain.location ?? APP).searchParams.get('prompt')).toBeNull();
  expect((await visitor.open(redirect('', '&action=register'))).text).toContain('<h1>Create an account</h1>');
  expect((await callServer(server.url, 'GET', redirect('', '&action=rule'))).status).toBe(400);
});

test('S47: an identity is linked to an account by the account’s password, and never by an address', async () => {
  const juliet = await server.user('juliet');
  const address = `${juliet.localpart}@verona.test`;
  await server.sql`insert into threepids (medium, address, user_nid, validated_at, added_at)
    select 'email', ${address}, user_nid, 0, 0 from users where user_id = ${juliet.id}`;
  verona.person = { sub: `of ${juliet.localpart}`, preferred_username: juliet.localpart, email: address, email_verified: true };
  const { visitor, seen } = await visit(redirect('/verona'));
  expect(seen.text).toContain('have no account here yet');
  const wrong = await visitor.submit({ do: 'link', username: juliet.localpart, password: 'a guess' });
  expect(wrong).toMatchObject({ status: 400, text: expect.stringContaining('Wrong user name or password') });
  const linked = await visitor.submit({ do: 'link', username: juliet.localpart, password: TEST_PASSWORD });
  expect((await useToken(tokenIn(linked))).body['user_id']).toBe(juliet.id);
  expect((await useToken(tokenIn((await visit(redirect('/verona'))).seen))).body['user_id']).toBe(juliet.id);
});

test('the account page links and unlinks identities of whoever is signed in there', async () => {
  const visitor = createPageVisitor(server.url);
  await visitor.open('/account?action=chat.blinkchat.sign_in');
  const page = await visitor.submit({ do: 'sign-in', username: 'romeo', password: TEST_PASSWORD });
  expect(page.text).toContain('Link Mantua Pass');
  mantua.person = { sub: 'r-1' };
  expect((await visitor.submit({ do: 'link', provider: 'mantua', password: 'a guess' })).status).toBe(400);
  const linked = await goThere(visitor, linkTo(await visitor.submit({ do: 'link', provider: 'mantua', password: TEST_PASSWORD })));
  expect(linked.text).toContain('r-1');
  expect((await useToken(tokenIn((await visit(redirect('/mantua'))).seen))).body['user_id']).toBe('@romeo:hs.test');

  mantua.person = { sub: 'number-one' }; // somebody else’s
  await visitor.open('/account?action=chat.blinkchat.sign_in');
  const again = linkTo(await visitor.submit({ do: 'link', provider: 'mantua', password: TEST_PASSWORD }));
  expect(await goThere(visitor, again)).toMatchObject({
    status: 403,
    text: expect.stringContaining('belongs to another account'),
  });

  await visitor.open('/account?action=chat.blinkchat.sign_in');
  const without = await visitor.submit({ do: 'unlink', identity: `${mantua.issuer} r-1`, password: TEST_PASSWORD });
  expect(without.text).not.toContain('r-1');
  mantua.person = { sub: 'r-1' };
  expect((await visit(redirect('/mantua'))).seen.text).toContain('have no account here yet');
});

test('the only way somebody has to sign in is not taken away', async () => {
  const nurse = nameOf('nurse');
  verona.person = { sub: `only ${nurse}`, preferred_username: nurse };
  const visitor = createPageVisitor(server.url);
  const begun = await visitor.open(`/oauth2/upstream?provider=verona&back=${encodeURIComponent('/account?action=chat.blinkchat.sign_in')}`);
  await goThere(visitor, begun.location);
  const page = await visitor.submit({ username: nurse });
  expect(page.text).toContain(`only ${nurse}`);
  const refused = await visitor.submit({ do: 'unlink', identity: `${verona.issuer} only ${nurse}` });
  expect(refused).toMatchObject({ status: 400, text: expect.stringContaining('only way you have to sign in') });
});

test('clients that know of OAuth are told to send people to our page, where the operator wants that', async () => {
  await using own = await startServer({ config: { oauthAware: true } });
  await own.user('paris');
  const { body } = await callServer(own.url, 'GET', `${V3}/login`);
  const flow = { type: 'm.login.sso', oauth_aware_preferred: true, 'org.matrix.msc3824.delegated_oidc_compatibility': true };
  expect(body['flows']).toContainEqual(flow);
  expect(body['flows']).toContainEqual({ type: 'm.login.password' });
  const visitor = createPageVisitor(own.url);
  await visitor.open(redirect());
  await visitor.submit({ do: 'sign-in', username: 'paris', password: TEST_PASSWORD });
  const { location } = await visitor.submit({ do: 'continue' });
  const token = new URL(location ?? APP).searchParams.get('loginToken');
  expect((await callServer(own.url, 'POST', `${V3}/login`, { type: 'm.login.token', token })).body['user_id']).toBe('@paris:hs.test');
  expect((await callServer(own.url, 'GET', redirect('/verona'))).status).toBe(404);
});

test('a file of providers with a fault keeps the server from starting, and says which', async () => {
  const bad = join(file, '..', 'bad.json');
  const good = entryOf('verona', 'Verona ID', verona);
  for (const [content, fault] of [
    ['nonsense', 'JSON list'],
    [JSON.stringify([{ ...good, issuer: 'ftp://x' }]), 'number 1: issuer'],
    [JSON.stringify([good, { ...good, client_secret: 7 }]), 'number 2: client_secret'],
    [JSON.stringify([good, good]), 'two providers with the id verona'],
    [JSON.stringify([{ ...good, icon: 'https://x/y.png' }]), 'icon'],
  ] as const) {
    await writeFile(bad, content);
    await expect(startServer({ config: { oidcProviders: bad } }), fault).rejects.toThrow(fault);
  }
});
