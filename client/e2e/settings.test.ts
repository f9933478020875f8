import { startServer } from 'homeserver/test/kit/start-server.ts';
import { expect, test } from 'vitest';
import { chatPage } from './kit/chat-page.ts';
import { openBrowser } from './kit/open-browser.ts';

const PASSWORD = 'a plague on both';

test('a person changes their name, the language, and signs a lost device out with the password', async () => {
  await using server = await startServer();
  await using browser = await openBrowser();
  const romeo = chatPage(await browser.openPage(server.url));
  const recoveryKey = await romeo.signUp({ username: 'romeo', password: PASSWORD });
  const lost = chatPage(await browser.openPage(server.url));
  await lost.signIn({ username: 'romeo', password: PASSWORD });
  await lost.at('unlock-key').fill(recoveryKey);
  await lost.at('unlock-submit').click();
  await lost.at('home').waitFor();

  await romeo.at('open-settings').click();
  await romeo.at('settings-profile').click();
  await romeo.at('display-name').fill('Romeo Montague');
  await romeo.at('save-profile').click();
  await romeo.at('toast').waitFor();

  await romeo.at('settings-language').click();
  await romeo.at('language-de').click();
  await romeo.page.getByRole('heading', { name: 'Einstellungen' }).waitFor();
  await romeo.at('language-en').click();

  await romeo.at('settings-devices').click();
  await romeo.at('sign-out-device').click();
  await romeo.at('sign-out-device-confirm').click();
  await romeo.at('confirm-password').fill(PASSWORD);
  await romeo.at('confirm-password').press('Enter');
  await lost.at('sign-in').waitFor();
  await expect.poll(() => romeo.at('device').count()).toBe(1);
  expect(browser.errors).toEqual([]);
});
