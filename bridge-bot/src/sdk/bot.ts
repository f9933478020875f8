import type { MatrixClient } from 'client/matrix/client.ts';
import type { Room } from 'client/matrix/rooms/room.ts';
import type { EventTrust } from 'client/matrix/timeline/timeline-item.ts';
import type { KvStore } from '../storage/kv-store.ts';
import type { BotMessage } from './message-text.ts';

export type CommandHandler = (message: MessageContext, args: readonly string[]) => Promise<void>;
export type CommandOptions = {
  /** One line for `!help`. */
  about?: string;
};

/** A message that came in, and how to answer it. */
export type MessageContext = {
  readonly bot: Bot;
  readonly room: Room;
  readonly roomId: string;
  readonly eventId: string;
  readonly sender: string;
  readonly senderName: string;
  /** Plain text. Of a command: all that follows its name is in `rest`. */
  readonly text: string;
  readonly rest: string;
  readonly isEncrypted: boolean;
  readonly trust: EventTrust;
  reply(message: BotMessage): Promise<string>;
  /** Into the room, not as an answer. */
  send(message: BotMessage): Promise<string>;
  react(key: string): Promise<string>;
  /** Whether the sender may change the room's settings (send state events). */
  isSenderModerator(): Promise<boolean>;
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
