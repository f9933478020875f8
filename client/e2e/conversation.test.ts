import { startServer } from 'homeserver/test/kit/start-server.ts';
import { expect, test } from 'vitest';
import { type ChatPage, chatPage } from './kit/chat-page.ts';
import { openBrowser } from './kit/open-browser.ts';

const PASSWORD = 'a plague on both';

async function verify(mine: ChatPage, other: ChatPage): Promise<void> {
  await mine.at('unlock-device').click();
  await other.at('verify-accept').click();
  const [here, there] = await Promise.all([mine.at('sas-emoji').textContent(), other.at('sas-emoji').textContent()]);
  expect(here).toBe(there);
  await Promise.all([mine.at('verify-match').click(), other.at('verify-match').click()]);
  for (const side of [mine, other]) {
    await side.at('verified').waitFor();
    await side.at('verify-finish').click();
  }
}

test('in a chat of two: reply, reaction, edit and removal are seen by the other, and a second and a third device read it all', async () => {
  await using server = await startServer();
  await using browser = await openBrowser();
  const romeo = chatPage(await browser.openPage(server.url));
  const juliet = chatPage(await browser.openPage(server.url));
  const [recoveryKey] = await Promise.all([
    romeo.signUp({ username: 'romeo', password: PASSWORD }),
    juliet.signUp({ username: 'juliet', password: PASSWORD }),
  ]);

  await romeo.startDirectChat(`@juliet:${server.name}`);
  await juliet.acceptInvite('romeo');
  await romeo.say('By whose direction found’st thou out *this place*?');
  await juliet.at('message-text').getByText('this place').waitFor();
  await juliet.say('By love');

  // A reaction, a reply, its edit.
  await romeo.actOn(await romeo.message('By love'), 'react');
  await romeo.at('emoji-search').fill('red heart');
  await romeo.at('emoji-picker').getByTitle('red heart').click();
  await juliet.at('reaction').and(juliet.page.locator('[data-key="❤️"]')).waitFor();
  await romeo.actOn(await romeo.message('By love'), 'reply');
  await romeo.say('Then I am answerd');
  await juliet.at('quote').getByText('By love').waitFor();
  await romeo.at('composer-input').press('ArrowUp');
  await romeo.at('composer-context').waitFor();
  await romeo.say('Then I am answered');
  await juliet.message('Then I am answered');
  await juliet.at('edited').waitFor();

  // A removal.
  await romeo.say('Tybalt is a fool');
  await juliet.message('Tybalt is a fool');
  await romeo.actOn(await romeo.message('Tybalt is a fool'), 'message-menu');
  await romeo.at('menu-remove').click();
  await romeo.at('remove-confirm').click();
  await juliet.page.getByText('Message removed').first().waitFor();

  // What was there is there after a reload.
  await juliet.page.reload();
  await juliet.message('Then I am answered');

  // A second device is let in by the recovery key, a third by comparing emoji with the first.
  const second = chatPage(await browser.openPage(server.url));
  await second.signIn({ username: 'romeo', password: PASSWORD });
  await second.at('unlock-key').fill(recoveryKey);
  await second.at('unlock-submit').click();
  await second.openRoom('juliet');
  await second.message('By love');

  const third = chatPage(await browser.openPage(server.url));
  await third.signIn({ username: 'romeo', password: PASSWORD });
  await verify(third, romeo);
  await third.openRoom('juliet');
  await third.message('By love');

  expect(browser.errors).toEqual([]);
});
