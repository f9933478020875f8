import type { Encryption } from './crypto/encryption.ts';
import type { MatrixHttp } from './http/matrix-http.ts';
import type { JsonObject } from './json.ts';
import type { Media } from './media/media.ts';
import type { Emitter } from './observable/emitter.ts';
import type { Signal } from './observable/signal.ts';
import type { MatrixPlatform } from './platform.ts';
import type { Room } from './rooms/room.ts';
import type { RoomSummary } from './rooms/room-summary.ts';
import type { Session } from './session/session.ts';
import type { SyncStatus } from './sync/sync-status.ts';
import type { TimelineItem } from './timeline/timeline-item.ts';

export type MatrixClientOptions = {
  session: Session;
  platform: MatrixPlatform;
  /** Called when tokens were refreshed: keep the new session before anything else happens. */
  onSessionChanged: (session: Session) => Promise<void> | void;
};

/**
 * A Matrix client for one account. It first shows what its cache holds, then syncs.
 * Everything that changes by itself is a `Signal`; everything that the user asks for is a method.
 */
export type MatrixClient = {
  readonly userId: string;
  readonly deviceId: string;
  readonly homeserverUrl: string;
  syncStatus: Signal<SyncStatus>;
  /** All rooms the user is in or invited to, most recently active first. */
  rooms: Signal<readonly RoomSummary[]>;
  /** Our own profile. */
  profile: Signal<UserProfile>;
  /** New messages as they arrive, decrypted and live only (no history): notifications, bots. */
  messages: Emitter<IncomingMessage>;
  encryption: Encryption;
  media: Media;
  /** Typed calls of any endpoint, with this session's token. */
  http: MatrixHttp;

  /** Opens the store, shows the cache, starts syncing. Resolves when the cache is shown. */
  start(): Promise<void>;
  /** Stops syncing and closes the stores; what was queued is sent at the next start. */
  stop(): Promise<void>;
  /** Logs out at the server (best effort) and deletes everything kept here. */
  logout(): Promise<void>;
  /** Tries at once instead of waiting for the next retry: the network is back, the tab is visible again. */
  retryNow(): void;

  /** The room, as long as we know it. The same object each time. */
  room(roomId: string): Room | undefined;
  /** Whether the user is there, as far as the server tells. */
  presence(userId: string): Signal<Presence>;
  createRoom(options: CreateRoomOptions): Promise<string>;
  /** The direct chat with the user: an existing one, or a new encrypted one. */
  openDirectChat(userId: string): Promise<string>;
  /** Joins by id or alias. */
  joinRoom(roomIdOrAlias: string, options?: { via?: readonly string[]; reason?: string }): Promise<string>;
  searchUsers(term: string, limit?: number): Promise<readonly UserProfile[]>;
  loadProfile(userId: string): Promise<UserProfile>;
  setDisplayName(displayName: string): Promise<void>;
  setAvatar(mxcUrl: string): Promise<void>;
  accountData(type: string): JsonObject | undefined;
  setAccountData(type: string, content: JsonObject): Promise<void>;
};

/** Whether somebody is there: `unavailable` means idle. Servers that tell no presence leave everybody `offline`. */
export type Presence = 'online' | 'unavailable' | 'offline';

export type UserProfile = { userId: string; displayName: string; avatarUrl: string | undefined };

export type CreateRoomOptions = {
  name?: string;
  topic?: string;
  /** Private rooms are encrypted unless told otherwise; public ones are not. */
  visibility?: 'private' | 'public';
  isEncrypted?: boolean;
  isDirect?: boolean;
  invite?: readonly string[];
  /** The local part of an address. */
  aliasLocalpart?: string;
};

export type IncomingMessage = { roomId: string; item: TimelineItem };
