import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { authorizePath, beginAuthorization, registerOAuthClient, WEB_CLIENT } from './oauth-client.ts';
import { createPageVisitor } from './page-visitor.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

test('a client registers itself; what we do not know of it is left out, and the same client is the same', async () => {
  const first = await registerOAuthClient(server, {
    ...WEB_CLIENT,
    'client_name#fr': 'Vérone',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    policy_uri: 'https://verona.test/policy',
  });
  expect(first.status).toBe(201);
  expect(first.headers.get('access-control-allow-origin')).toBe('*');
  expect(first.body).toEqual({
    ...WEB_CLIENT,
    client_id: expect.any(String),
    grant_types: ['authorization_code', 'refresh_token'],
    policy_uri: 'https://verona.test/policy',
  });
  expect((await registerOAuthClient(server)).body['client_id']).toBe((await registerOAuthClient(server)).body['client_id']);
});

test('S47: metadata that cannot be trusted is refused', async () => {
  for (const change of [
    { client_uri: undefined },
    { client_uri: 'http://verona.test/' },
    { client_uri: 'https://user:pass@verona.test/' },
    { policy_uri: 'https://elsewhere.test/policy' },
    { logo_uri: 'http://verona.test/logo.png' },
    { token_endpoint_auth_method: 'client_secret_basic' },
    { application_type: 'toaster' },
    { redirect_uris: 'https://app.verona.test/callback' },
    { client_name: 'x'.repeat(500) },
  ]) {
    const answer = await registerOAuthClient(server, { ...WEB_CLIENT, ...change });
    expect(answer, JSON.stringify(change)).toMatchObject({ status: 400, body: { error: 'invalid_client_metadata' } });
  }
  const none = await registerOAuthClient(server, { ...WEB_CLIENT, redirect_uris: [] });
  expect(none).toMatchObject({ status: 400, body: { error: 'invalid_redirect_uri' } });
});

test.for([
  ['web', 'https://verona.test/callback', 201],
  ['web', 'https://verona.test:5173/?query=value', 201],
  ['web', 'https://verona.test/callback#fragment', 400],
  ['web', 'http://verona.test/callback', 400],
  ['web', 'https://notverona.test/callback', 400],
  ['web', 'https://user@verona.test/callback', 400],
  ['web', 'http://localhost/', 400],
  ['web', 'test.verona:/callback', 400],
  ['native', 'test.verona.app:/callback', 201],
  ['native', 'test.verona:callback', 201],
  ['native', 'http://localhost/callback', 201],
  ['native', 'http://127.0.0.1/callback', 201],
  ['native', 'http://[::1]/callback', 201],
  ['native', 'https://verona.test/app', 201],
  ['native', 'verona:/callback', 400],
  ['native', 'test.veronas:/callback', 400],
  ['native', 'test.verona.app://callback', 400],
  ['native', 'https://localhost/callback', 400],
  ['native', 'http://localhost:1234/callback', 400],
  ['native', 'http://localhost:80/callback', 400],
  ['native', 'http://localhost.evil.test/callback', 400],
  ['native', 'javascript:alert(1)', 400],
] as const)('S47: a %s client at verona.test with the redirect URI %s gets %i', async ([type, uri, status]) => {
  const answer = await registerOAuthClient(server, { ...WEB_CLIENT, application_type: type, redirect_uris: [uri] });
  expect(answer.status).toBe(status);
});

test('a native client may listen on any port of the loopback address it registered', async () => {
  const native = { ...WEB_CLIENT, application_type: 'native', redirect_uris: ['http://127.0.0.1/callback'] };
  const { body } = await registerOAuthClient(server, native);
  const visitor = createPageVisitor(server.url);
  const statusAt = async (redirect_uri: string) => {
    const { query } = await beginAuthorization(server, { client_id: String(body['client_id']), redirect_uri });
    return (await visitor.open(authorizePath(query))).status;
  };
  expect(await statusAt('http://127.0.0.1:49152/callback')).toBe(200);
  expect(await statusAt('http://127.0.0.1/callback')).toBe(200);
  expect(await statusAt('http://localhost:49152/callback')).toBe(400);
  expect(await statusAt('http://127.0.0.1:49152/other')).toBe(400);
  expect(await statusAt('http://127.0.0.1:49152@evil.test/callback')).toBe(400);
});
