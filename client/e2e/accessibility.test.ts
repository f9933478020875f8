import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { startServer } from 'homeserver/test/kit/start-server.ts';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { chatPage } from './kit/chat-page.ts';
import { openBrowser } from './kit/open-browser.ts';

const PASSWORD = 'a plague on both';
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

type Violation = { id: string; nodes: { html: string }[] };

/** What axe finds wrong with the page as it is now, in both themes: rule and element. */
async function listViolations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const found: string[] = [];
  for (const theme of ['light', 'dark']) {
    await page.evaluate((name) => document.documentElement.setAttribute('data-theme', name), theme);
    // Colours fade from one theme to the other; what axe measures are the ones they come to rest at.
    await page.evaluate(
      async () => await Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => undefined))),
    );
    const violations = await page.evaluate<Violation[], string[]>(
      async (tags) => (await Reflect.get(window, 'axe').run(document, { runOnly: tags })).violations,
      RULES,
    );
    found.push(...violations.flatMap(({ id, nodes }) => nodes.map((node) => `${theme} ${id}: ${node.html}`)));
  }
  return found;
}

test('every main screen keeps WCAG 2.2 AA, in light and dark', async () => {
  await using server = await startServer();
  await using browser = await openBrowser();
  const romeo = chatPage(await browser.openPage(server.url));
  await romeo.at('homeserver-found').waitFor();
  expect(await listViolations(romeo.page)).toEqual([]);

  await romeo.signUp({ username: 'romeo', password: PASSWORD });
  expect(await listViolations(romeo.page)).toEqual([]);

  await romeo.createEncryptedRoom('The Balcony');
  await romeo.say('But soft! What light through yonder **window** breaks?');
  await romeo.say('It is the east');
  await romeo.waitForDelivery(await romeo.message('It is the east'), 'sent');
  expect(await listViolations(romeo.page)).toEqual([]);

  await romeo.at('show-members').click();
  await romeo.at('member').first().waitFor();
  expect(await listViolations(romeo.page)).toEqual([]);
  await romeo.at('show-info').click();
  expect(await listViolations(romeo.page)).toEqual([]);

  await romeo.at('new-chat').click();
  await romeo.at('menu-new-room').click();
  await romeo.at('create-room').waitFor();
  expect(await listViolations(romeo.page)).toEqual([]);
  await romeo.page.keyboard.press('Escape');

  for (const section of ['profile', 'appearance', 'encryption', 'devices', 'language']) {
    await romeo.at('open-settings').click();
    await romeo.at(`settings-${section}`).click();
    expect(await listViolations(romeo.page)).toEqual([]);
  }
});
