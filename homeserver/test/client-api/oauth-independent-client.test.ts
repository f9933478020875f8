import { createClient } from 'matrix-js-sdk';
import type { Logger } from 'matrix-js-sdk/lib/logger.js';
import { OAuth2 } from 'matrix-js-sdk/lib/oauth/index.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../kit/start-server.ts';
import { TEST_PASSWORD } from '../kit/test-user.ts';
import { REDIRECT_URI, readReturn } from './oauth-client.ts';
import { createPageVisitor } from './page-visitor.ts';

const silent: Logger = { trace() {}, debug() {}, info() {}, warn() {}, error() {}, getChild: () => silent };
let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await server.user('romeo');
});
afterAll(() => server[Symbol.asyncDispose]());

async function discover() {
  const metadata = await createClient({ baseUrl: server.url, logger: silent }).getAuthMetadata();
  const clientId = await OAuth2.registerClient(
    metadata,
    {
      client_name: 'Another client',
      client_uri: 'https://verona.test/',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    },
    silent,
  );
  return { metadata, clientId };
}

function clientOf(accessToken: string) {
  return createClient({ baseUrl: server.url, accessToken, logger: silent });
}

test('a client that shares no code with ours discovers, registers, logs in, refreshes and logs out', async () => {
  const { metadata, clientId } = await discover();
  const oauth = new OAuth2(metadata, { clientId, deviceId: 'BALCONY0001' }, silent);
  const url = await oauth.generateAuthorizationCodeGrantUrl('yonder', REDIRECT_URI);
  const visitor = createPageVisitor(server.url);
  await visitor.open(url);
  await visitor.submit({ do: 'sign-in', username: 'romeo', password: TEST_PASSWORD });
  const returned = readReturn((await visitor.submit({ do: 'allow' })).location);
  expect(returned.get('state')).toBe('yonder');

  const tokens = await oauth.completeAuthorizationCodeGrant(returned.get('code') ?? '', REDIRECT_URI);
  expect(await clientOf(tokens.access_token).whoami()).toMatchObject({ user_id: '@romeo:hs.test', device_id: 'BALCONY0001' });
  const fresh = await oauth.performRefreshTokenGrant(tokens.refresh_token ?? '');
  expect(await clientOf(fresh.access_token).whoami()).toMatchObject({ device_id: 'BALCONY0001' });
  await oauth.revokeToken(fresh.access_token, 'access_token');
  await expect(clientOf(fresh.access_token).whoami()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
});

test('it is let in by the code that it shows, too', async () => {
  const { metadata, clientId } = await discover();
  const oauth = new OAuth2(metadata, { clientId, deviceId: 'BALCONY0002' }, silent);
  const session = await oauth.startDeviceAuthorizationGrant();
  const visitor = createPageVisitor(server.url);
  await visitor.open(session.verification_uri_complete ?? '');
  await visitor.submit({ do: 'sign-in', username: 'romeo', password: TEST_PASSWORD });
  expect((await visitor.submit({ do: 'allow' })).text).toContain('The device is linked');
  const tokens = await oauth.waitForDeviceAuthorizationGrant(session);
  if (!('access_token' in tokens)) throw new Error(`the device was not let in: ${tokens.error}`);
  expect(await clientOf(tokens.access_token).whoami()).toMatchObject({ user_id: '@romeo:hs.test', device_id: 'BALCONY0002' });
});
