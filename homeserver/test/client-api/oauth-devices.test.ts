import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFakeClock } from '../kit/fake-clock.ts';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { callServer, TEST_PASSWORD } from '../kit/test-user.ts';
import { postForm, registerOAuthClient, WEB_CLIENT } from './oauth-client.ts';
import { createPageVisitor } from './page-visitor.ts';
import { V3 } from './sign-up-steps.ts';

const clock = createFakeClock();
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ clock });
  await server.user('romeo');
});
afterAll(() => server[Symbol.asyncDispose]());

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

async function begin(deviceId: string) {
  const clientId = String((await registerOAuthClient(server)).body['client_id']);
  const { body } = await postForm(`${server.url}/oauth2/device`, {
    client_id: clientId,
    scope: `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`,
  });
  const poll = () =>
    postForm(`${server.url}/oauth2/token`, { grant_type: GRANT, device_code: String(body['device_code']), client_id: clientId });
  return { body, poll };
}

async function signIn() {
  const visitor = createPageVisitor(server.url);
  await visitor.open('/oauth2/link');
  await visitor.submit({ do: 'sign-in', username: 'romeo', password: TEST_PASSWORD });
  return visitor;
}

test('a device without a browser is let in by the code that it shows', async () => {
  const { body, poll } = await begin('TELEVISION');
  expect(body).toMatchObject({
    user_code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
    verification_uri: `${server.url}/oauth2/link`,
    verification_uri_complete: `${server.url}/oauth2/link?user_code=${body['user_code']}`,
    expires_in: 1200,
    interval: 5,
  });
  expect(await poll()).toMatchObject({ status: 400, body: { error: 'authorization_pending' } });
  expect((await poll()).body).toMatchObject({ error: 'slow_down' });

  const visitor = await signIn();
  const asked = await visitor.submit({ do: 'look', user_code: String(body['user_code']).toLowerCase().replace('-', ' ') });
  expect(asked.text).toContain('Link Verona?');
  expect((await visitor.submit({ do: 'allow' })).text).toContain('The device is linked');

  clock.advance(5_000);
  const tokens = await poll();
  expect(tokens).toMatchObject({ status: 200, body: { refresh_token: expect.any(String), expires_in: 3600 } });
  const whoami = await callServer(server.url, 'GET', `${V3}/account/whoami`, undefined, String(tokens.body['access_token']));
  expect(whoami.body).toMatchObject({ user_id: '@romeo:hs.test', device_id: 'TELEVISION' });
  clock.advance(5_000);
  expect((await poll()).body).toMatchObject({ error: 'invalid_grant' });
});

test('the link of a QR code goes straight to the question; a no is told, and so is too late', async () => {
  const denied = await begin('RADIO');
  const visitor = await signIn();
  const link = new URL(String(denied.body['verification_uri_complete']));
  expect((await visitor.open(link.pathname + link.search)).text).toContain(String(denied.body['user_code']));
  expect((await visitor.submit({ do: 'deny' })).text).toContain('Cancelled');
  expect((await denied.poll()).body).toMatchObject({ error: 'access_denied' });
  const late = await begin('CLOCK');
  clock.advance(1_201_000);
  expect((await late.poll()).body).toMatchObject({ error: 'expired_token' });
});

test('S47: codes are not guessed: neither without end, nor by who has not signed in, nor by another client', async () => {
  const { body, poll } = await begin('FRIDGE');
  const stranger = createPageVisitor(server.url);
  expect((await stranger.open(`/oauth2/link?user_code=${body['user_code']}`)).text).toContain('Sign in');
  await stranger.submit({ do: 'allow', user_code: String(body['user_code']) });
  expect((await poll()).body).toMatchObject({ error: 'authorization_pending' });
  const visitor = await signIn();
  for (let guess = 0; guess < 12; guess += 1) await visitor.submit({ do: 'allow', user_code: 'BBBB-BBBB' });
  expect((await visitor.submit({ do: 'look', user_code: String(body['user_code']) })).text).toContain('Too many requests');
  const other = await registerOAuthClient(server, { ...WEB_CLIENT, client_name: 'Mantua' });
  const fields = { grant_type: GRANT, device_code: String(body['device_code']), client_id: String(other.body['client_id']) };
  expect((await postForm(`${server.url}/oauth2/token`, fields)).body).toMatchObject({ error: 'invalid_grant' });
});

test('a client that did not register for it begins no such log-in', async () => {
  const { body } = await registerOAuthClient(server, { ...WEB_CLIENT, grant_types: ['authorization_code', 'refresh_token'] });
  const fields = { client_id: String(body['client_id']), scope: 'urn:matrix:client:api:* urn:matrix:client:device:X' };
  expect((await postForm(`${server.url}/oauth2/device`, fields)).body).toMatchObject({ error: 'unauthorized_client' });
  expect((await postForm(`${server.url}/oauth2/device`, { client_id: 'nobody', scope: '' })).body).toMatchObject({
    error: 'invalid_client',
  });
});
