import type { MatrixClient } from 'client/matrix/client.ts';
import type { KvStore } from '../storage/kv-store.ts';
import type { CommandHandler, CommandOptions } from './commands.ts';
import type { MessageContext } from './message-context.ts';
import type { BotMessage } from './message-text.ts';

export type BotOptions = {
  /** Base URL of the homeserver's client API. */
  homeserverUrl: string;
  /** Localpart or full user id. */
  user: string;
  /** One of the two; with a password the bot logs in again by itself when its session ends. */
  password?: string | undefined;
  accessToken?: string | undefined;
  /** Makes the account when there is none yet, by the homeserver's registration secret. */
  registrationSecret?: string | undefined;
  /** A folder of its own: identity, keys, what it knows of its rooms. */
  dataDir: string;
  /** Shown in the account's list of devices. */
  deviceName?: string;
  /** Whose invites are accepted: user ids, server names, or `*`; its own homeserver's people when left out. */
  allow?: readonly string[];
  log?: BotLog;
  fetch?: typeof globalThis.fetch;
};

export type BotLog = {
  info(message: string): void;
  warn(message: string, error?: unknown): void;
};

/** Sees a message before the commands do. Not calling `next` ends it there. */
export type Middleware = (message: MessageContext, next: () => Promise<void>) => Promise<void>;

/** A bot: a Matrix account that answers. Encrypted rooms work as any other. */
export type Bot = {
  /** Full user id; known from `start` on. */
  readonly userId: string;
  readonly client: MatrixClient;
  /** Answers messages that begin with a word, such as `!echo`. The last handler of a name stands. */
  command(name: string, handler: CommandHandler, options?: CommandOptions): void;
  /** Middlewares run in the order they were given. */
  use(middleware: Middleware): void;
  /** Gets every text message that no command took. */
  onMessage(handler: (message: MessageContext) => Promise<void>): void;
  /** Values on disk, by namespace. */
  kv(namespace: string): KvStore;
  /** Sends and waits for the homeserver to take it; the event id. With a `txnId` it may be repeated. */
  send(roomId: string, message: BotMessage, options?: { txnId?: string }): Promise<string>;
  /** Replaces the text of one of its own messages. */
  edit(roomId: string, eventId: string, message: BotMessage, options?: { txnId?: string }): Promise<string>;
  react(roomId: string, eventId: string, key: string): Promise<string>;
  /** Logs in (or goes on with its session), starts syncing. Resolves when it is up to date and can decrypt. */
  start(): Promise<void>;
  /** Stops in order; what could not be sent is sent at the next start. */
  stop(): Promise<void>;
};
