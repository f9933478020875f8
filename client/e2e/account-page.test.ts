import { startServer } from 'homeserver/test/kit/start-server.ts';
import { TEST_PASSWORD } from 'homeserver/test/kit/test-user.ts';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { listViolations } from './kit/list-violations.ts';
import { openBrowser } from './kit/open-browser.ts';

/** Keeps a picture of the page where somebody wants to look at it. */
async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env['BLINKCHAT_E2E_PICTURES'];
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
}

test('a person looks after their account in a browser, part by part', async () => {
  await using server = await startServer({ config: { oauthAware: true } });
  await server.user('juliet');
  await using browser = await openBrowser();
  const page = await browser.openPage(`${server.url}/account`);
  await page.getByLabel('User name or e-mail address').fill('juliet');
  await page.getByLabel('Password').fill(TEST_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();

  const red = await sharp({ create: { width: 120, height: 120, channels: 3, background: '#b3261e' } })
    .png()
    .toBuffer();
  await page.getByLabel('New picture').setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: red });
  await page.getByRole('button', { name: 'Use this picture' }).click();
  await page.getByText('This is your picture now.').waitFor();
  await page.getByAltText('Your picture').evaluate((image: HTMLImageElement) => image.decode());
  expect(await listViolations(page)).toEqual([]);
  await keepPicture(page, 'profile');

  await page.getByLabel('Another address').fill('juliet@capulet.test');
  await page.getByRole('button', { name: 'Send me a code' }).click();
  await page.getByLabel('Code from the mail').waitFor();
  expect(await listViolations(page)).toEqual([]);
  await keepPicture(page, 'code');

  for (const [tab, title] of [
    ['Devices', 'Your devices'],
    ['Password', 'Change your password'],
    ['Signing in', 'Signing in'],
    ['Encryption', 'Reset your cryptographic identity'],
    ['Deactivate', 'Deactivate your account'],
  ] as const) {
    await page.getByRole('link', { name: tab, exact: true }).click();
    await page.getByRole('heading', { name: title, level: 1 }).waitFor();
    expect(await listViolations(page), tab).toEqual([]);
    await keepPicture(page, tab.toLowerCase().replace(' ', '-'));
  }
  await page.getByLabel('Your password').fill(TEST_PASSWORD);
  await page.getByLabel('Hide my messages').check();
  await page.getByRole('button', { name: 'Deactivate for ever' }).click();
  await page.getByText('The account @juliet:hs.test is deactivated.').waitFor();
});

test('a client that knows of OAuth sends somebody to our page, where they sign in and are asked', async () => {
  await using server = await startServer({ config: { oauthAware: true } });
  await server.user('romeo');
  await using browser = await openBrowser();
  const app = encodeURIComponent('https://app.verona.test/');
  const page = await browser.openPage(`${server.url}/_matrix/client/v3/login/sso/redirect?redirectUrl=${app}`);
  expect(await listViolations(page)).toEqual([]);
  await keepPicture(page, 'sign-in');
  await page.getByLabel('User name or e-mail address').fill('romeo');
  await page.getByLabel('Password').fill(TEST_PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Continue' }).waitFor();
  expect(await listViolations(page)).toEqual([]);
  await keepPicture(page, 'continue');
  const [request] = await Promise.all([
    page.waitForRequest((each) => each.url().startsWith('https://app.verona.test/')),
    page.getByRole('button', { name: 'Continue' }).click(),
  ]);
  expect(new URL(request.url()).searchParams.get('loginToken')).toMatch(/^bcl_/);
});
