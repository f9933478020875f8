import { createCleanup } from 'homeserver/test/kit/cleanup.ts';
import { freePort } from 'homeserver/test/kit/free-port.ts';
import { startServer, type TestServer } from 'homeserver/test/kit/start-server.ts';
import { readSettings } from '../../src/config/settings.ts';
import { type BotServer, startBotServer } from '../../src/start-bot-server.ts';
import { botFolder } from './bot-folder.ts';
import { startClient, type TestClient, textOf } from './start-client.ts';

const SECRET = 'a registration secret';
const HOOK_URL = /http:\/\/[^\s`]+\/hooks\/[\w-]+\/[\w-]+(?:\/[a-z]+)?/;

/** A homeserver, a bot with webhooks, and Juliet with an encrypted client. */
export type HookScene = AsyncDisposable & {
  server: TestServer;
  juliet: TestClient;
  bot(): BotServer;
  /** Stops the bot in order and starts it again on its data. */
  restartBot(): Promise<void>;
  /** An encrypted room of Juliet's with the bot in it. */
  room(): Promise<string>;
  /** `!hook create` in the room; the address that the bot tells. */
  hook(roomId: string, name: string, dialect?: string): Promise<string>;
};

export async function startHookScene(): Promise<HookScene> {
  const cleanup = createCleanup();
  const server = cleanup.use(await startServer({ config: { registrationSecret: SECRET } }));
  return await cleanup.guard(async () => {
    const folder = cleanup.use(await botFolder());
    await server.user('juliet');
    const juliet = cleanup.use(await startClient(server.url, 'juliet'));
    const port = await freePort();
    const read = readSettings({
      BLINKCHAT_BOT_HOMESERVER: server.url,
      BLINKCHAT_BOT_USER: 'hooks',
      BLINKCHAT_BOT_PASSWORD: 'many words',
      BLINKCHAT_BOT_REGISTRATION_SECRET: SECRET,
      BLINKCHAT_BOT_PORT: String(port),
      BLINKCHAT_BOT_DATA_DIR: folder.path,
    });
    if (!read.ok) throw new Error(read.problems.join('\n'));
    const log = { info: () => undefined, warn: () => undefined };
    let bot = await startBotServer(read.settings, log);
    cleanup.defer(() => bot.stop());

    return {
      server,
      juliet,
      bot: () => bot,
      async restartBot() {
        await bot.stop();
        bot = await startBotServer(read.settings, log);
      },
      async room() {
        const { userId } = bot.bot;
        const roomId = await juliet.client.createRoom({ name: 'Alerts', invite: [userId] });
        await juliet.see(roomId, ({ body, sender }) => sender === userId && body.kind === 'membership' && body.change === 'joined');
        return roomId;
      },
      async hook(roomId, name, dialect = '') {
        await juliet.say(roomId, `!hook create ${name} ${dialect}`);
        const told = await juliet.seeText(roomId, `Made the hook ${name}`);
        const [url] = HOOK_URL.exec(textOf(told)) ?? [];
        if (url === undefined) throw new Error(`no address in: ${textOf(told)}`);
        return url;
      },
      [Symbol.asyncDispose]: cleanup.run,
    };
  });
}

export type Told = { status: number; body: string; contentType: string };

/** Posts JSON, as a sender would. */
export async function postHook(url: string, payload: unknown, headers: Record<string, string> = {}): Promise<Told> {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
  return { status: response.status, body: await response.text(), contentType: response.headers.get('content-type') ?? '' };
}
