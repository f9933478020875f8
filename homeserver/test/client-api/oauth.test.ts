import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, createNames, TEST_PASSWORD } from '../kit/test-user.ts';
import {
  authorizeInBrowser,
  authorizePath,
  beginAuthorization,
  logInByOAuth,
  postForm,
  readReturn,
  redeemCode,
  registerOAuthClient,
  WEB_CLIENT,
} from './oauth-client.ts';
import { createPageVisitor } from './page-visitor.ts';
import { V3 } from './sign-up-steps.ts';

/** Another name each time, so that a scene can be played again. */
const nameOf = createNames();

const clock = createFakeClock();
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ clock });
  await server.user('romeo');
  await server.user('juliet');
});
afterAll(() => server[Symbol.asyncDispose]());

const whoami = (token: string) => callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, token);
const refresh = (clientId: string, token: string) =>
  postForm(`${server.url}/oauth2/token`, { grant_type: 'refresh_token', refresh_token: token, client_id: clientId });

test('the server tells where its authorization server is, by both names', async () => {
  const stable = await callServer(server.url, 'GET', '/_matrix/client/v1/auth_metadata');
  expect(stable.body).toMatchObject({
    issuer: `${server.url}/`,
    authorization_endpoint: `${server.url}/oauth2/authorize`,
    token_endpoint: `${server.url}/oauth2/token`,
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'fragment'],
    grant_types_supported: expect.arrayContaining(['authorization_code', 'refresh_token']),
    code_challenge_methods_supported: ['S256'],
    prompt_values_supported: ['create'],
    account_management_uri: `${server.url}/account`,
  });
  const unstable = await callServer(server.url, 'GET', '/_matrix/client/unstable/org.matrix.msc2965/auth_metadata');
  expect(unstable.body).toEqual(stable.body);
});

test('a person signs in on our page, allows a client, and the client has tokens for the device it named', async () => {
  const attempt = await beginAuthorization(server);
  const visitor = createPageVisitor(server.url);
  const signIn = await visitor.open(authorizePath(attempt.query));
  expect(signIn.text).toContain('to continue to <strong>Verona</strong>');
  const consent = await visitor.submit({ do: 'sign-in', username: 'romeo', password: TEST_PASSWORD });
  expect(consent).toMatchObject({ status: 200, text: expect.stringContaining('@romeo:hs.test') });
  expect(consent.headers.get('content-security-policy')).toContain("form-action 'self' https://app.verona.test");
  const { location } = await visitor.submit({ do: 'allow' });
  expect(location).toMatch(/^https:\/\/app\.verona\.test\/callback#/);
  const returned = readReturn(location);
  expect(returned.get('state')).toBe(attempt.state);

  const tokens = await redeemCode(server, { ...attempt, code: returned.get('code') ?? '' });
  expect(tokens).toMatchObject({
    status: 200,
    body: { token_type: 'Bearer', expires_in: 3600, refresh_token: expect.any(String), scope: attempt.query['scope'] },
  });
  expect(tokens.headers.get('cache-control')).toBe('no-store');
  expect((await whoami(String(tokens.body['access_token']))).body).toMatchObject({
    user_id: '@romeo:hs.test',
    device_id: attempt.deviceId,
  });
});

test('the older names of the scopes and the response mode query serve clients that use them', async () => {
  const scope = 'openid urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:BALCONY001';
  const attempt = await authorizeInBrowser(server, 'romeo', { scope, response_mode: 'query' });
  const { body } = await redeemCode(server, attempt);
  expect(body['scope']).toBe(scope.replace('openid ', ''));
  expect((await whoami(String(body['access_token']))).body).toMatchObject({ device_id: 'BALCONY001' });
});

test('whoever is signed in already is only asked; whoever says no sends the client away with that', async () => {
  const { visitor } = await authorizeInBrowser(server, 'romeo');
  const attempt = await beginAuthorization(server);
  expect((await visitor.open(authorizePath(attempt.query))).text).toContain('Allow Verona?');
  const returned = readReturn((await visitor.submit({ do: 'deny' })).location);
  expect(Object.fromEntries(returned)).toMatchObject({ error: 'access_denied', state: attempt.state });
  const signedOut = await visitor.open(authorizePath(attempt.query));
  expect(signedOut.text).toContain('Allow');
  expect((await visitor.submit({ do: 'sign-out' })).text).toContain('Sign in');
});

test('a wrong password is refused on the page, and the name typed stays', async () => {
  const attempt = await beginAuthorization(server);
  const visitor = createPageVisitor(server.url);
  await visitor.open(authorizePath(attempt.query));
  const refused = await visitor.submit({ do: 'sign-in', username: 'ro"meo', password: 'not this' });
  expect(refused).toMatchObject({ status: 403, text: expect.stringContaining('value="ro&quot;meo"') });
});

test('S47: nobody is sent to an address that the client did not register', async () => {
  const visitor = createPageVisitor(server.url);
  for (const redirect_uri of [
    'https://evil.test/callback',
    'https://app.verona.test/callback/../evil',
    'https://app.verona.test/callback?more=1',
    'https://app.verona.test/callback#x',
    'javascript:alert(1)',
  ]) {
    const attempt = await beginAuthorization(server, { redirect_uri });
    expect(await visitor.open(authorizePath(attempt.query))).toMatchObject({ status: 400, location: null });
  }
  const unknown = await beginAuthorization(server, { client_id: 'nobody' });
  expect(await visitor.open(authorizePath(unknown.query))).toMatchObject({ status: 400, location: null });
});

test('S47: a request without PKCE, for another scope or for no device goes back with the reason', async () => {
  const visitor = createPageVisitor(server.url);
  const errorOf = async (changes: Record<string, string>) => {
    const { query, state } = await beginAuthorization(server, changes);
    const returned = readReturn((await visitor.open(authorizePath(query))).location);
    expect(returned.get('state')).toBe(state);
    return returned.get('error');
  };
  expect(await errorOf({ code_challenge_method: 'plain' })).toBe('invalid_request');
  expect(await errorOf({ code_challenge: '' })).toBe('invalid_request');
  expect(await errorOf({ response_type: 'token' })).toBe('unsupported_response_type');
  expect(await errorOf({ scope: 'urn:matrix:client:api:*' })).toBe('invalid_scope');
  expect(await errorOf({ scope: 'urn:matrix:client:api:* urn:synapse:admin:* urn:matrix:client:device:A' })).toBe('invalid_scope');
  expect(await errorOf({ scope: 'urn:matrix:client:api:* urn:matrix:client:device:A urn:matrix:client:device:B' })).toBe('invalid_scope');
});

test('S47: a code is good for its client, its address and its verifier only', async () => {
  const other = await registerOAuthClient(server, { ...WEB_CLIENT, client_name: 'Mantua' });
  for (const changes of [
    { code_verifier: 'x'.repeat(43) },
    { redirect_uri: 'https://app.verona.test/other' },
    { client_id: String(other.body['client_id']) },
    { code: 'bca_made-up' },
  ]) {
    const attempt = await authorizeInBrowser(server, 'romeo');
    expect(await redeemCode(server, attempt, changes)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  }
  const attempt = await authorizeInBrowser(server, 'romeo');
  expect(await redeemCode(server, attempt, { client_id: 'nobody' })).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  expect(await redeemCode(server, attempt, { code_verifier: '' })).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
  expect(await redeemCode(server, attempt, { grant_type: 'password' })).toMatchObject({ body: { error: 'unsupported_grant_type' } });
});

test('S47: a code expires, and one that is shown twice ends what it gave', async () => {
  const late = await authorizeInBrowser(server, 'romeo');
  clock.advance(121_000);
  expect((await redeemCode(server, late)).body).toMatchObject({ error: 'invalid_grant' });
  const attempt = await authorizeInBrowser(server, 'romeo');
  const first = await redeemCode(server, attempt);
  expect((await redeemCode(server, attempt)).body).toMatchObject({ error: 'invalid_grant' });
  expect((await whoami(String(first.body['access_token']))).status).toBe(401);
});

test('S47: refresh tokens rotate, belong to their client, and one shown after its use ends the device', async () => {
  const session = await logInByOAuth(server, 'romeo');
  const other = await registerOAuthClient(server, { ...WEB_CLIENT, client_name: 'Mantua' });
  expect((await refresh(String(other.body['client_id']), session.refreshToken)).body).toMatchObject({ error: 'invalid_grant' });
  const second = await refresh(session.clientId, session.refreshToken);
  expect(second).toMatchObject({ status: 200, body: { scope: session.query['scope'], expires_in: 3600 } });
  expect((await whoami(String(second.body['access_token']))).body).toMatchObject({ device_id: session.deviceId });
  expect(await refresh(session.clientId, session.refreshToken)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  expect((await whoami(String(second.body['access_token']))).status).toBe(401);
});

test('a token is revoked with its whole device, twice without a fault', async () => {
  for (const pick of ['accessToken', 'refreshToken'] as const) {
    const session = await logInByOAuth(server, 'romeo');
    const revoke = () => postForm(`${server.url}/oauth2/revoke`, { token: session[pick], client_id: session.clientId });
    expect((await revoke()).status).toBe(200);
    expect((await whoami(session.accessToken)).status).toBe(401);
    expect((await refresh(session.clientId, session.refreshToken)).body).toMatchObject({ error: 'invalid_grant' });
    expect((await revoke()).status).toBe(200);
  }
  expect((await postForm(`${server.url}/oauth2/revoke`, {})).body).toMatchObject({ error: 'invalid_request' });
});

test('S45: a locked person gets no tokens, and the client is not made to believe that it is logged out', async () => {
  await using own = await startServer();
  const prince = await own.user('escalus');
  await own.user('tybalt');
  const session = await logInByOAuth(own, 'tybalt');
  const attempt = await authorizeInBrowser(own, 'tybalt');
  await prince.call('PUT', '/_matrix/client/v1/admin/lock/@tybalt:hs.test', { locked: true });
  const fields = { grant_type: 'refresh_token', refresh_token: session.refreshToken, client_id: session.clientId };
  expect(await postForm(`${own.url}/oauth2/token`, fields)).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } });
  expect(await redeemCode(own, attempt)).toMatchObject({ status: 503 });
  expect((await attempt.visitor.open(authorizePath(attempt.query))).text).toContain('Sign in');
});

test('S58: a form that another page sends, or another browser, does nothing', async () => {
  const attempt = await beginAuthorization(server);
  const visitor = createPageVisitor(server.url);
  await visitor.open(authorizePath(attempt.query));
  await visitor.submit({ do: 'sign-in', username: 'romeo', password: TEST_PASSWORD });
  const send = (headers: Record<string, string>, fields: Record<string, string>) =>
    fetch(server.url + authorizePath(attempt.query), { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams(fields) });
  const cookie = { Cookie: visitor.cookie() ?? '' };
  expect((await send(cookie, { do: 'allow' })).status).toBe(403);
  expect((await send(cookie, { do: 'allow', form_token: 'AAAA' })).status).toBe(403);
  expect((await send({}, { do: 'allow' })).status).toBe(403);
  const page = await visitor.open(authorizePath(attempt.query));
  expect(page.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(page.headers.get('access-control-allow-origin')).toBeNull();
});

test('a newcomer whom the client sends to sign up makes an account and goes on', async () => {
  const attempt = await beginAuthorization(server, { prompt: 'create' });
  const visitor = createPageVisitor(server.url);
  const username = nameOf('benvolio');
  expect((await visitor.open(authorizePath(attempt.query))).text).toContain('Create an account');
  expect((await visitor.submit({ do: 'sign-up', username: 'romeo', password: 'wherefore art' })).text).toContain('taken');
  expect((await visitor.submit({ do: 'sign-up', username, password: 'short' })).text).toContain('role="alert"');
  const consent = await visitor.submit({ do: 'sign-up', username, password: 'part, fools' });
  expect(consent.text).toContain(`@${username}:hs.test`);
  const returned = readReturn((await visitor.submit({ do: 'allow' })).location);
  expect((await redeemCode(server, { ...attempt, code: returned.get('code') ?? '' })).status).toBe(200);
});
