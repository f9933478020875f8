import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startServer, type TestServer } from 'homeserver/test/kit/start-server.ts';
import { TEST_PASSWORD } from 'homeserver/test/kit/test-user.ts';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { listViolations } from './kit/list-violations.ts';
import { openBrowser } from './kit/open-browser.ts';

/** A native client: it listens on the loopback address for what the browser brings back. */
async function startNativeClient(server: TestServer) {
  const listener = createServer((request, response) => {
    response.end(`<title>Back</title><h1>Back at the client</h1><p>${request.url === undefined ? '' : 'You can close this.'}</p>`);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const redirectUri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/callback`;
  const registered = await fetch(`${server.url}/oauth2/register`, {
    method: 'POST',
    body: JSON.stringify({
      client_name: 'Verona for Linux',
      client_uri: 'https://verona.test/',
      redirect_uris: ['http://127.0.0.1/callback'],
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    }),
  });
  const { client_id: clientId } = (await registered.json()) as { client_id: string };
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: 'urn:matrix:client:api:* urn:matrix:client:device:BALCONY123',
    state: 'yonder',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const redeem = (code: string) => {
    const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, client_id: clientId, code_verifier: verifier };
    return fetch(`${server.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(fields) });
  };
  return { url: `${server.url}/oauth2/authorize?${query}`, redirectUri, redeem, [Symbol.dispose]: () => void listener.close() };
}

/** A picture of a page, where pictures are asked for. */
async function takePicture(page: Page, name: string): Promise<void> {
  const folder = process.env['BLINKCHAT_SCREENSHOTS'];
  if (folder !== undefined) await page.screenshot({ path: `${folder}/oauth-${name}.png` });
}

test('a person signs up and in, allows a client and looks after the account in a browser', async () => {
  await using server = await startServer();
  await server.user('romeo');
  using client = await startNativeClient(server);
  await using browser = await openBrowser();
  const page = await browser.openPage(client.url);
  expect(await listViolations(page)).toEqual([]);
  await takePicture(page, 'sign-in');
  await page.getByLabel('User name').fill('romeo');
  await page.getByLabel('Password').fill('not this');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  await takePicture(page, 'refused');

  await page.getByRole('link', { name: 'Create one' }).click();
  expect(await listViolations(page)).toEqual([]);
  await takePicture(page, 'sign-up');
  await page.getByLabel('User name').fill('benvolio');
  await page.getByLabel('Password').fill(TEST_PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByText('@benvolio:hs.test').waitFor();
  expect(await listViolations(page)).toEqual([]);
  await takePicture(page, 'consent');

  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('Back at the client').waitFor();
  const returned = new URL(page.url());
  expect(returned.origin + returned.pathname).toBe(client.redirectUri);
  expect(returned.searchParams.get('state')).toBe('yonder');
  expect((await client.redeem(returned.searchParams.get('code') ?? '')).status).toBe(200);

  await page.goto(`${server.url}/account?action=org.matrix.devices_list`);
  expect(await listViolations(page)).toEqual([]);
  await takePicture(page, 'devices');
  await page.getByRole('link', { name: 'Verona for Linux' }).click();
  expect(await listViolations(page)).toEqual([]);
  await takePicture(page, 'device');
  await page.getByRole('link', { name: 'Profile' }).click();
  await takePicture(page, 'profile');
  await page.getByRole('link', { name: 'Encryption' }).click();
  expect(await listViolations(page)).toEqual([]);
  await page.getByRole('link', { name: 'Deactivate' }).click();
  expect(await listViolations(page)).toEqual([]);
  await takePicture(page, 'deactivate');
  await page.goto(`${server.url}/oauth2/link`);
  expect(await listViolations(page)).toEqual([]);
  await takePicture(page, 'link');
  expect(browser.errors).toEqual([]);
});

test('a client that knows no flow shows the log-in page and is handed what comes of it', async () => {
  await using server = await startServer();
  await server.user('romeo');
  await using browser = await openBrowser();
  const page = await browser.openPage(`${server.url}/_matrix/static/client/login/?device_id=LUTE`);
  await page.evaluate(() => {
    Reflect.set(window, 'matrixLogin', { onLogin: (answer: unknown) => Reflect.set(window, 'answer', answer) });
  });
  expect(await listViolations(page)).toEqual([]);
  await takePicture(page, 'log-in-fallback');
  await page.getByLabel('User name').fill('romeo');
  await page.getByLabel('Password').fill('not this');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Password').fill(TEST_PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => Reflect.get(window, 'answer') !== undefined);
  expect(await page.evaluate(() => Reflect.get(window, 'answer'))).toMatchObject({ user_id: '@romeo:hs.test', device_id: 'LUTE' });
  expect(browser.errors).toEqual([]);
});
