import { addHookCommand } from './admin/hook-command.ts';
import type { Settings } from './config/settings.ts';
import type { Bot } from './sdk/bot.ts';
import type { BotLog } from './sdk/bot-options.ts';
import { createBot } from './sdk/create-bot.ts';
import { createHookStore } from './storage/hook-store.ts';
import { createInboxStore } from './storage/inbox-store.ts';
import { openBotDatabase } from './storage/open-bot-database.ts';
import { createHookRegistry } from './webhooks/inbound/hook-registry.ts';
import { startHookServer } from './webhooks/inbound/hook-server.ts';
import { createPoster } from './webhooks/inbound/poster.ts';
import { createRateLimiter } from './webhooks/inbound/rate-limiter.ts';
import { createReceiveHook } from './webhooks/inbound/receive-hook.ts';

/** What one hook may post: bursts pass, floods do not. */
const HOOK_RATE = { burst: 60, perMinute: 60 };

export type BotServer = { bot: Bot; port: number; stop(): Promise<void> };

/** Puts the bot and its webhooks together and starts them. `settings.port` 0 takes any free port. */
export async function startBotServer(settings: Settings, log: BotLog): Promise<BotServer> {
  const { homeserver, user, password, accessToken, registrationSecret, dataDir, allow, publicUrl } = settings;
  const account = { homeserverUrl: homeserver, user, password, accessToken, registrationSecret };
  const bot = createBot({ ...account, dataDir, log, ...(allow === undefined ? {} : { allow }) });
  const sql = openBotDatabase(dataDir);
  const hooks = createHookRegistry(createHookStore(sql), Date.now);
  const inbox = createInboxStore(sql);
  const poster = createPoster({ bot, inbox, now: Date.now, log });
  const receive = createReceiveHook({
    inbox,
    rateLimiter: createRateLimiter(HOOK_RATE, Date.now),
    isInRoom: (roomId) => bot.client.room(roomId)?.summary.get().membership === 'join',
    wake: poster.wake,
    now: Date.now,
    log,
  });
  addHookCommand({ bot, hooks, publicUrl });

  await bot.start();
  poster.wake();
  const server = await startHookServer({ host: settings.host, port: settings.port, hooks, receive, health: () => healthOf(bot), log });
  return {
    bot,
    port: server.port,
    async stop() {
      await server.stop();
      const posting = poster.stop();
      await bot.stop();
      await posting;
      sql.close();
    },
  };
}

/** Reconnecting is no illness: what comes in is kept until the homeserver is back. */
function healthOf(bot: Bot): { isWell: boolean; status: string } {
  const { state } = bot.client.syncStatus.get();
  return { isWell: state !== 'logged-out' && state !== 'stopped', status: state === 'live' ? 'ok' : state };
}
