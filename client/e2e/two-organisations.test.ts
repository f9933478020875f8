import { type MailCatcher, startMailCatcher } from 'homeserver/test/kit/mail-catcher.ts';
import { startServers } from 'homeserver/test/kit/start-servers.ts';
import { expect, test } from 'vitest';
import { chatPage } from './kit/chat-page.ts';
import { drawPicture } from './kit/draw-picture.ts';
import { findInServer } from './kit/find-in-server.ts';
import { openBrowser } from './kit/open-browser.ts';

const PASSWORD = 'a plague on both';
/** Words that no protocol and no library would say by itself. */
const WORDS = { romeo: 'It is the east and Juliet is the zonkernight', juliet: 'Wherefore art thou gribblewort', picture: 'snorfleblat' };

/** An address, and reading the code that comes there. */
function mailbox(mail: MailCatcher, address: string): { address: string; readCode: () => Promise<string> } {
  const readCode = async () => {
    const { text = '' } = await mail.nextMail(address);
    const code = /\b(\d{6})\b/.exec(text)?.[1];
    if (code === undefined) throw new Error(`There is no six-digit code in the mail: ${text}`);
    return code;
  };
  return { address, readCode };
}

test('two people of two organisations meet in an encrypted room, and neither server can read along', async () => {
  await using mail = await startMailCatcher();
  await using servers = await startServers(2, { config: { registration: 'email', smtpUrl: mail.url } });
  await using verona = await openBrowser();
  await using capulet = await openBrowser();
  const romeo = chatPage(await verona.openPage(servers.at(0).url));
  const juliet = chatPage(await capulet.openPage(servers.at(1).url));
  const julietId = `@juliet:${servers.at(1).name}`;

  // Each signs up on their own server, with a code that came by mail.
  const keys = await Promise.all([
    romeo.signUp({
      username: 'romeo',
      password: PASSWORD,
      mail: mailbox(mail, 'romeo@verona.test'),
    }),
    juliet.signUp({
      username: 'juliet',
      password: PASSWORD,
      mail: mailbox(mail, 'juliet@capulet.test'),
    }),
  ]);
  expect(keys[0]).toMatch(/^(?:\w{4} ){11}\w{4}$/);
  expect(keys[0]).not.toBe(keys[1]);

  // One makes an encrypted room and asks the other in; the invitation crosses the border.
  await romeo.createEncryptedRoom('The Balcony');
  await romeo.inviteToRoom(julietId);
  await juliet.acceptInvite('The Balcony');

  // They talk.
  await romeo.say(WORDS.romeo);
  await juliet.message(WORDS.romeo);
  await juliet.say(WORDS.juliet);
  await romeo.message(WORDS.juliet);

  // A picture arrives, and is really drawn.
  await romeo.sendPicture({
    name: 'balcony.png',
    mimeType: 'image/png',
    buffer: drawPicture({ widthPx: 640, heightPx: 400, word: WORDS.picture }),
  });
  const picture = await juliet.picture();
  await expect.poll(() => picture.evaluate((image) => (image instanceof HTMLImageElement ? image.naturalWidth : 0))).toBeGreaterThan(0);

  // The sender sees that it was read.
  await romeo.waitForDelivery(await romeo.message(WORDS.romeo), 'read');

  // What the servers hold: the room's name, which they must know, and none of the words.
  for (const server of servers.list) {
    await expect(findInServer(server, 'The Balcony')).resolves.not.toEqual([]);
    for (const word of [...WORDS.romeo.split(' '), ...WORDS.juliet.split(' '), WORDS.picture].filter((part) => part.length > 8)) {
      await expect(findInServer(server, word)).resolves.toEqual([]);
    }
  }
  expect([...verona.errors, ...capulet.errors]).toEqual([]);
});
