import type { IncomingMessage, MatrixClient } from 'client/matrix/client.ts';
import { createMatrixClient } from 'client/matrix/create-matrix-client.ts';
import { createCryptoEngine } from 'client/matrix/crypto/create-crypto-engine.ts';
import type { JsonObject } from 'client/matrix/json.ts';
import type { Room } from 'client/matrix/rooms/room.ts';
import { editContent, messageContent } from 'client/matrix/send/message-content.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { createIndexedDbTables } from '../storage/indexeddb-tables.ts';
import { createKvStore } from '../storage/kv-store.ts';
import { mountIndexedDb } from '../storage/mount-indexeddb.ts';
import { openBotDatabase } from '../storage/open-bot-database.ts';
import { joinWhenInvited } from './auto-join.ts';
import type { Bot, MessageContext, Middleware } from './bot.ts';
import type { BotLog, BotOptions } from './bot-options.ts';
import { createCommandTable } from './commands.ts';
import { createMessageContext } from './message-context.ts';
import type { BotMessage } from './message-text.ts';
import { createSessionKeeper } from './open-session.ts';
import { setUpIdentity } from './set-up-identity.ts';
import { waitForSignal } from './wait-for-signal.ts';

/** A homeserver that is down does not keep a bot from starting: it catches up when it can. */
const FIRST_SYNC_TIMEOUT_MS = 30_000;

const CONSOLE_LOG: BotLog = { info: (message) => console.log(message), warn: (message, error) => console.warn(message, error ?? '') };

type Handler = (message: MessageContext) => Promise<void>;
type Running = { client: MatrixClient; stop(): Promise<void> };

/** Puts a bot together. Nothing happens before `start`; commands and handlers are best given before it. */
export function createBot(options: BotOptions): Bot {
  const log = options.log ?? CONSOLE_LOG;
  const fetch = options.fetch ?? globalThis.fetch;
  const sql = openBotDatabase(options.dataDir);
  const commands = createCommandTable();
  const middlewares: Middleware[] = [];
  const handlers: Handler[] = [];
  let running: Running | undefined;

  function clientOf(): MatrixClient {
    if (running === undefined) throw new Error('The bot is not started');
    return running.client;
  }

  function roomOf(roomId: string): Room {
    const room = clientOf().room(roomId);
    if (room?.summary.get().membership !== 'join') throw new Error(`The bot is not in the room ${roomId}`);
    return room;
  }

  async function queue(roomId: string, type: string, content: JsonObject, txnId?: string): Promise<string> {
    const room = roomOf(roomId);
    return await room.whenSent(room.sendEvent(type, content, txnId === undefined ? {} : { txnId }));
  }

  /** Through the middlewares in turn, then to the command or to those who listen to everything. */
  async function handle(message: MessageContext): Promise<void> {
    const found = commands.find(message.text);
    async function step(at: number): Promise<void> {
      const middleware = middlewares[at];
      if (middleware !== undefined) return await middleware(message, () => step(at + 1));
      if (found !== undefined) return await found.handler({ ...message, rest: found.command.rest }, found.command.args);
      for (const handler of handlers) await handler(message);
    }
    await step(0);
  }

  function receive(incoming: IncomingMessage): void {
    const room = clientOf().room(incoming.roomId);
    const message = room === undefined ? undefined : createMessageContext(bot, room, incoming);
    if (message === undefined) return;
    handle(message).catch((error: unknown) => log.warn(`The message ${message.eventId} could not be handled`, error));
  }

  async function start(): Promise<void> {
    if (running !== undefined) throw new Error('The bot is started already');
    const sessions = createSessionKeeper({ options, kv: createKvStore(sql, 'session'), fetch, log });
    const session = await sessions.open();
    const unmount = await mountIndexedDb({
      prefix: `blinkchat/${session.userId}/`,
      tables: createIndexedDbTables(sql),
      onWriteFailure: (error) => log.warn('What changed could not be written to the disk', error),
    });
    const client = createMatrixClient({
      session,
      platform: {
        fetch,
        WebSocket: globalThis.WebSocket,
        hasIndexedDb: true,
        startCrypto: (crypto) => createCryptoEngine({ ...crypto, isPersistent: true }),
        now: Date.now,
      },
      onSessionChanged: sessions.keep,
    });
    const listening = [client.messages.listen(receive)];
    listening.push(
      client.syncStatus.subscribe((status) => {
        if (status.state !== 'logged-out') return;
        sessions.end(status.soft);
        log.warn('The homeserver ended the session of this bot; restart it to log in again');
      }),
    );
    running = {
      client,
      async stop() {
        for (const stopListening of listening) stopListening();
        await client.stop();
        unmount();
      },
    };
    await client.start();
    listening.push(joinWhenInvited(client, options.allow ?? [serverNameOf(client.userId) ?? ''], log));
    const live = await waitForSignal(client.syncStatus, ({ state }) => state === 'live' || state === 'logged-out', FIRST_SYNC_TIMEOUT_MS);
    if (live?.state === 'live') await setUpIdentity(client, createKvStore(sql, 'identity'), options.password, log);
    else log.warn('The homeserver does not answer yet; the bot goes on when it does');
  }

  const bot: Bot = {
    get userId() {
      return clientOf().userId;
    },
    get client() {
      return clientOf();
    },
    command: commands.add,
    use: (middleware) => void middlewares.push(middleware),
    onMessage: (handler) => void handlers.push(handler),
    kv: (namespace) => createKvStore(sql, `bot/${namespace}`),
    send: (roomId, message, { txnId } = {}) => queue(roomId, 'm.room.message', messageContent(toOutgoing(message)), txnId),
    edit: (roomId, eventId, message, { txnId } = {}) => queue(roomId, 'm.room.message', editContent(eventId, toOutgoing(message)), txnId),
    react: (roomId, eventId, key) => queue(roomId, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: eventId, key } }),
    start,
    async stop() {
      await running?.stop();
      running = undefined;
      sql.close();
    },
  };
  bot.command('!help', async (message) => void (await message.reply(helpText(commands.list()))));
  return bot;
}

function toOutgoing(message: BotMessage) {
  const { text, html, kind = 'notice' } = typeof message === 'string' ? { text: message } : message;
  return { kind, text, ...(html === undefined ? {} : { html }) } as const;
}

function helpText(commands: readonly { name: string; about: string }[]): string {
  return commands.map(({ name, about }) => `${name}: ${about}`).join('\n') || 'This bot has no commands.';
}
