import type { Bot } from 'bridge-bot/sdk/bot.ts';
import { createBot } from 'bridge-bot/sdk/create-bot.ts';
import { startServer, type TestServer } from 'homeserver/test/kit/start-server.ts';
import { expect, test } from 'vitest';
import { botFolder } from './kit/bot-folder.ts';
import { startClient } from './kit/start-client.ts';

const SECRET = 'a registration secret';

async function startEcho(server: TestServer, dataDir: string): Promise<Bot & AsyncDisposable> {
  const bot = createBot({
    homeserverUrl: server.url,
    user: 'echo',
    password: 'many words',
    registrationSecret: SECRET,
    dataDir,
    log: { info: () => undefined, warn: (message, error) => console.warn(message, error) },
  });
  bot.command('!echo', async (message) => void (await message.reply(message.rest)), { about: 'says it again' });
  await bot.start();
  return Object.assign(bot, { [Symbol.asyncDispose]: () => bot.stop() });
}

test('an echo bot answers in an encrypted room, keeps its identity over a restart, and reads what was said before', async () => {
  await using server = await startServer({ config: { registrationSecret: SECRET } });
  await using folder = await botFolder();
  await server.user('juliet');
  await using juliet = await startClient(server.url, 'juliet');

  const first = await startEcho(server, folder.path);
  const { userId } = first;
  const { deviceId } = first.client;
  const roomId = await juliet.client.createRoom({ name: 'Balcony', invite: [userId] });
  await juliet.see(roomId, ({ body, sender }) => sender === userId && body.kind === 'membership' && body.change === 'joined');
  await juliet.say(roomId, '!echo wherefore art thou');
  const answer = await juliet.see(roomId, ({ body, sender }) => sender === userId && body.kind === 'notice');
  expect(answer).toMatchObject({ body: { text: 'wherefore art thou' }, replyTo: { sender: juliet.client.userId } });
  expect(first.client.encryption.state.get()).toMatchObject({ state: 'ready' });

  await first.stop();
  await juliet.say(roomId, '!echo are you asleep');
  await using second = await startEcho(server, folder.path);
  expect(second.client.deviceId).toBe(deviceId);
  expect(second.client.encryption.state.get()).toMatchObject({ state: 'ready' });
  await juliet.seeText(roomId, 'are you asleep');
  await juliet.see(roomId, ({ body, sender }) => sender === userId && body.kind === 'notice' && body.text === 'are you asleep');

  const read = second.client
    .room(roomId)
    ?.timeline.state.get()
    .items.map(({ body }) => (body.kind === 'text' || body.kind === 'notice' ? body.text : body.kind));
  expect(read).toEqual(expect.arrayContaining(['!echo wherefore art thou', 'wherefore art thou', '!echo are you asleep']));
  expect(read).not.toContain('undecryptable');

  const clear = await server.sql`select event_id from events where json like '%wherefore%'`;
  expect(clear).toEqual([]);
});

test('a bot comes only when somebody calls who is allowed to', async () => {
  await using server = await startServer({ config: { registrationSecret: SECRET } });
  await using folder = await botFolder();
  const romeo = await server.user('romeo');
  const tybalt = await server.user('tybalt');
  const bot = createBot({
    homeserverUrl: server.url,
    user: 'nurse',
    password: 'many words',
    registrationSecret: SECRET,
    dataDir: folder.path,
    allow: [romeo.id],
    log: { info: () => undefined, warn: () => undefined },
  });
  await bot.start();
  const unwelcome = await tybalt.createRoom({ invite: [bot.userId] });
  const welcome = await romeo.createRoom({ invite: [bot.userId] });
  await expect.poll(() => bot.client.room(welcome)?.summary.get().membership, { timeout: 15_000 }).toBe('join');
  expect(bot.client.room(unwelcome)?.summary.get().membership).toBe('invite');
  await bot.stop();
});
