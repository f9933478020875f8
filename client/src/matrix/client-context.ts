import type { MatrixHttp } from './http/matrix-http.ts';
import type { JsonObject } from './json.ts';
import type { Media } from './media/media.ts';
import type { RoomEvent } from './room-event.ts';
import type { RoomRecord } from './rooms/room-record.ts';
import type { SendQueue } from './send/send-queue.ts';
import type { ClientStore } from './storage/client-store.ts';
import type { StoredEvent } from './timeline/stored-event.ts';

/** What the parts of one client share. */
export type ClientContext = {
  ownUserId: string;
  http: MatrixHttp;
  media: Media;
  store: ClientStore;
  queue: SendQueue;
  records: Map<string, RoomRecord>;
  accountData: Map<string, JsonObject>;
  now: () => number;
  /** Decrypts what is encrypted of these. */
  decrypt: (roomId: string, events: readonly RoomEvent[]) => Promise<StoredEvent[]>;
  /** A room's record changed: views are told soon. */
  touch: (roomId: string) => void;
  setAccountData: (type: string, content: JsonObject) => Promise<void>;
};
