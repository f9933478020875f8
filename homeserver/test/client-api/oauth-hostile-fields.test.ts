import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, TEST_PASSWORD } from '../kit/test-user.ts';
import {
  type Attempt,
  authorizeInBrowser,
  authorizePath,
  beginAuthorization,
  logInByOAuth,
  type OAuthAnswer,
  REDIRECT_URI,
  readReturn,
  redeemCode,
  registerOAuthClient,
  WEB_CLIENT,
} from './oauth-client.ts';
import { createPageVisitor } from './page-visitor.ts';
import { V3 } from './sign-up-steps.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.user('romeo');
});
afterAll(() => server[Symbol.asyncDispose]());

/** What no field should be hurt by. */
const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  '\u0000',
  '\r\nSet-Cookie: a=b',
  '\u202egnirts',
  '__proto__',
  'constructor',
  "'; drop table accounts; --",
  '<script>alert(1)</script>',
  '%00%ff',
  '../../..',
  '-1',
  'null',
  '[]',
  '🏴‍☠️',
  'x'.repeat(5_000),
];
/** https://www.rfc-editor.org/rfc/rfc6749#section-5.2, rfc8628#section-3.5 */
const TOKEN_ERRORS = /^(?:invalid_request|invalid_client|invalid_grant|unauthorized_client|unsupported_grant_type|invalid_scope)$/;
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const SCOPE = 'urn:matrix:client:api:* urn:matrix:client:device:HOSTILEDEV';

async function post(path: string, body: string | URLSearchParams, contentType?: string): Promise<OAuthAnswer> {
  const headers = contentType === undefined ? {} : { 'Content-Type': contentType };
  const answer = await fetch(server.url + path, { method: 'POST', body, headers });
  const text = await answer.text();
  return { status: answer.status, body: JSON.parse(text), headers: answer.headers };
}

/** A refusal in OAuth's own form, that tells nothing it should not. */
function expectRefusal(answer: OAuthAnswer, what: string, errors = TOKEN_ERRORS): void {
  expect(answer.status, what).toBeGreaterThanOrEqual(400);
  expect(answer.status, what).toBeLessThan(500);
  expect(answer.body, what).toEqual({ error: expect.stringMatching(errors), error_description: expect.any(String) });
  expect(answer.headers.get('cache-control'), what).toBe('no-store');
  expect(answer.headers.get('access-control-allow-origin'), what).toBe('*');
  expect(String(answer.body['error_description']), what).not.toMatch(/select |postgres|\.ts:|undefined/i);
}

const formOf = (fields: Record<string, string>) => new URLSearchParams(fields);

async function soundForms(): Promise<Record<string, { path: string; fields: Record<string, string>; optional?: readonly string[] }>> {
  const { body } = await registerOAuthClient(server);
  const client_id = String(body['client_id']);
  const token = 'bca_unknown';
  const byCode = {
    grant_type: 'authorization_code',
    code: token,
    redirect_uri: REDIRECT_URI,
    client_id,
    code_verifier: 'v'.repeat(43),
  };
  return {
    code: { path: '/oauth2/token', fields: byCode },
    refresh: { path: '/oauth2/token', fields: { grant_type: 'refresh_token', refresh_token: token, client_id } },
    device: { path: '/oauth2/token', fields: { grant_type: DEVICE_GRANT, device_code: token, client_id } },
    begin: { path: '/oauth2/device', fields: { client_id, scope: SCOPE } },
  };
}

test.for(['code', 'refresh', 'device', 'begin'])('S47: every field of the form "%s" may be missing, twice or nonsense', async (name) => {
  const { path, fields } = (await soundForms())[name] ?? { path: '', fields: {} };
  for (const field of Object.keys(fields)) {
    const { [field]: _left, ...others } = fields;
    expectRefusal(await post(path, formOf(others)), `${field} missing`);
    const twice = await post(path, `${formOf(fields)}&${formOf({ [field]: fields[field] ?? '' })}`, 'application/x-www-form-urlencoded');
    expectRefusal(twice, `${field} twice`, /^invalid_request$/);
    for (const text of HOSTILE_TEXTS) {
      expectRefusal(await post(path, formOf({ ...fields, [field]: text })), `${field}: ${JSON.stringify(text.slice(0, 30))}`);
    }
  }
});

test('S47: a body that is no form is refused in the same words as a form', async () => {
  for (const path of ['/oauth2/token', '/oauth2/revoke', '/oauth2/device']) {
    expectRefusal(await post(path, '{"grant_type":"refresh_token"}', 'application/json'), `${path} as JSON`);
    expectRefusal(await post(path, ''), `${path} empty`);
    expectRefusal(await post(path, `token=${'x'.repeat(20_000)}`), `${path} huge`);
    expectRefusal(await post(path, '%E0%A4%A&=&&=%'), `${path} broken`);
    expectRefusal(await post(path, 'token=%00'), `${path} NUL`);
  }
});

test('a revocation needs a token and nothing else; one that nobody has is revoked already', async () => {
  expectRefusal(await post('/oauth2/revoke', formOf({ token_type_hint: 'access_token' })), 'no token');
  expectRefusal(await post('/oauth2/revoke', 'token=a&token=b', 'application/x-www-form-urlencoded'), 'two tokens', /^invalid_request$/);
  for (const text of HOSTILE_TEXTS.filter((each) => each !== '' && each !== '\u0000' && each.length < 4_096)) {
    const answer = await post('/oauth2/revoke', formOf({ token: text, token_type_hint: text, client_id: text }));
    expect(answer, JSON.stringify(text)).toMatchObject({ status: 200, body: {} });
  }
  const { refreshToken, accessToken } = await logInByOAuth(server, 'romeo');
  const leaked = await post('/oauth2/revoke', formOf({ token: refreshToken, client_id: 'a scanner of leaked tokens' }));
  expect(leaked.status).toBe(200);
  expect((await callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, accessToken)).status).toBe(401);
});

/** Where the browser is sent, when it is sent anywhere. */
async function authorizeAs(query: string): Promise<{ status: number; text: string; location: string | null }> {
  return await createPageVisitor(server.url).open(`/oauth2/authorize?${query}`);
}

test('S47: every parameter of an authorization may be missing, twice or nonsense; nobody is sent to a stranger', async () => {
  const { query } = await beginAuthorization(server);
  const mayBeAnything = ['login_hint', 'state', 'prompt'];
  for (const field of [...Object.keys(query), 'prompt', 'login_hint']) {
    const { [field]: own = 'x', ...others } = query;
    const tries = HOSTILE_TEXTS.filter((text) => text !== '\u0000').map((text) => formOf({ ...others, [field]: text }).toString());
    for (const given of [formOf(others).toString(), `${formOf(query)}&${formOf({ [field]: own })}&${formOf({ [field]: own })}`, ...tries]) {
      const seen = await authorizeAs(given);
      expect(seen.status, `${field}: ${given.slice(-60)}`).toBeLessThan(500);
      expect(seen.text, `${field}: ${given.slice(-60)}`).not.toContain('<script>alert');
      if (seen.location !== null) {
        expect(seen.location.startsWith(`${REDIRECT_URI}#`) || seen.location.startsWith(`${REDIRECT_URI}?`), seen.location).toBe(true);
        expect(readReturn(seen.location).get('code')).toBeNull();
        expect(readReturn(seen.location).get('error')).not.toBeNull();
      } else if (!mayBeAnything.includes(field) && field !== 'response_mode')
        expect(seen.status, `${field}: ${given.slice(-60)}`).toBe(400);
    }
  }
});

test('S47: a parameter given twice is told to the client, unless it is the address to tell it to', async () => {
  const { query } = await beginAuthorization(server);
  const twice = await authorizeAs(`${formOf(query)}&${formOf({ scope: query['scope'] ?? '' })}`);
  expect(readReturn(twice.location).get('error')).toBe('invalid_request');
  expect(readReturn(twice.location).get('state')).toBe(query['state']);
  const twoAddresses = await authorizeAs(`${formOf(query)}&${formOf({ redirect_uri: 'https://evil.test/' })}`);
  expect(twoAddresses).toMatchObject({ status: 400, location: null });
  expect(twoAddresses.text).toContain('does not work');
});

test('S47: PKCE cannot be left out, weakened or answered with another method', async () => {
  for (const change of [
    { code_challenge_method: 'plain' },
    { code_challenge_method: 's256' },
    { code_challenge_method: '' },
    { code_challenge: 'v'.repeat(42) },
    { code_challenge: `${'v'.repeat(42)}=` },
  ]) {
    const { query } = await beginAuthorization(server, change);
    expect(readReturn((await authorizeAs(formOf(query).toString())).location).get('error'), JSON.stringify(change)).toBe('invalid_request');
  }
  const attempts: ((attempt: Attempt & { code: string }) => Record<string, string>)[] = [
    () => ({ code_verifier: '' }),
    ({ query }) => ({ code_verifier: query['code_challenge'] ?? '' }),
    () => ({ code_verifier: 'v'.repeat(43) }),
    ({ verifier }) => ({ code_verifier: `${verifier}\n` }),
  ];
  for (const change of attempts) {
    const attempt = await authorizeInBrowser(server, 'romeo');
    expectRefusal(await redeemCode(server, attempt, change(attempt)), 'a wrong verifier', /^invalid_(?:grant|request)$/);
    expectRefusal(await redeemCode(server, attempt), 'the right one, after a wrong one', /^invalid_grant$/);
  }
});

test('S47: a code, a refresh token and a device code are worth nothing to another client', async () => {
  const { body } = await registerOAuthClient(server, { ...WEB_CLIENT, client_name: 'Mantua' });
  const other = String(body['client_id']);
  const attempt = await authorizeInBrowser(server, 'romeo');
  expectRefusal(await redeemCode(server, attempt, { client_id: other }), 'a code', /^invalid_grant$/);
  const { refreshToken, accessToken } = await logInByOAuth(server, 'romeo');
  const refresh = formOf({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: other });
  expectRefusal(await post('/oauth2/token', refresh), 'a refresh token', /^invalid_grant$/);
  expect((await callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, accessToken)).status).toBe(200);
  const asCode = formOf({ grant_type: 'refresh_token', refresh_token: accessToken, client_id: attempt.clientId });
  expectRefusal(await post('/oauth2/token', asCode), 'an access token as a refresh token', /^invalid_grant$/);
});

test('S47: a registration may hold anything, and says in OAuth’s own words what is wrong', async () => {
  const hostile: readonly unknown[] = [
    0,
    true,
    {},
    [],
    [[]],
    [1],
    'x'.repeat(5_000),
    '\u0000',
    'javascript:alert(1)',
    '\u202egnirts',
    '//evil.test',
  ];
  for (const field of Object.keys(WEB_CLIENT)) {
    for (const value of hostile) {
      const answer = await registerOAuthClient(server, { ...WEB_CLIENT, [field]: value });
      const isHarmless =
        (field === 'client_name' && typeof value === 'string') || (field === 'grant_types' && JSON.stringify(value) === '[]');
      if (answer.status === 201 && isHarmless) continue;
      expectRefusal(answer, `${field}: ${JSON.stringify(value).slice(0, 40)}`, /^invalid_(?:client_metadata|redirect_uri)$/);
    }
  }
  for (const body of [
    '',
    '[]',
    'null',
    '"x"',
    '{',
    '{"a":'.repeat(200),
    `{"client_name":"${'x'.repeat(20_000)}"}`,
    '{"client_uri":"\ud800"}',
  ]) {
    expectRefusal(await post('/oauth2/register', body, 'application/json'), body.slice(0, 40), /^invalid_client_metadata$/);
  }
});

test('S47: no scheme that browsers know becomes a redirect URI by a client that calls itself so', async () => {
  for (const [client_uri, redirect] of [
    ['https://javascript/', 'javascript:alert(1)'],
    ['https://data/', 'data:text/html,x'],
    ['https://localhost/', 'localhost:/callback'],
  ]) {
    const native = { client_uri, application_type: 'native', redirect_uris: [redirect], grant_types: ['authorization_code'] };
    const answer = await registerOAuthClient(server, native);
    expectRefusal(answer, String(redirect), /^invalid_redirect_uri$/);
  }
});

test('S58: forms of our pages take nonsense, and forget nobody’s name', async () => {
  const { query } = await beginAuthorization(server);
  for (const path of [authorizePath(query), '/oauth2/link', '/account']) {
    for (const text of HOSTILE_TEXTS) {
      const visitor = createPageVisitor(server.url);
      await visitor.open(path);
      const seen = await visitor.submit({ do: 'sign-in', username: text, password: text, user_code: text });
      expect(seen.status, `${path}: ${JSON.stringify(text.slice(0, 30))}`).toBeLessThan(500);
      expect(seen.text).not.toContain('<script>alert');
    }
  }
  const visitor = createPageVisitor(server.url);
  await visitor.open('/account');
  expect((await visitor.submit({ do: 'sign-in', username: 'romeo', password: TEST_PASSWORD })).text).toContain('@romeo:hs.test');
});
