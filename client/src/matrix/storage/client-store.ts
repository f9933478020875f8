import type { JsonObject } from '../json.ts';
import type { RoomRecord } from '../rooms/room-record.ts';
import type { OutgoingItem } from '../send/outgoing-item.ts';

/** What a start finds of the last one. */
export type StoredClient = {
  /** Where to go on syncing; nothing at the first start. */
  syncToken: string | undefined;
  rooms: RoomRecord[];
  accountData: Map<string, JsonObject>;
  outgoing: OutgoingItem[];
};

/** What one step of syncing changed. */
export type StoreUpdate = {
  syncToken?: string | undefined;
  /** Rooms that changed; `state` names what of their state (`'all'`: everything). */
  rooms: readonly { record: RoomRecord; state: readonly string[] | 'all'; timelineChanged: boolean }[];
  forgottenRoomIds: readonly string[];
  accountData: readonly (readonly [type: string, content: JsonObject])[];
};

/** Where a client remembers what it knows. */
export type ClientStore = {
  load(): Promise<StoredClient>;
  /** Writes everything or nothing: events and the token that stands behind them belong together. */
  write(update: StoreUpdate): Promise<void>;
  putOutgoing(item: OutgoingItem): Promise<void>;
  deleteOutgoing(txnId: string): Promise<void>;
  /** Small values of other parts, such as what was sent to whom. */
  getValue(key: string): Promise<unknown>;
  putValue(key: string, value: unknown): Promise<void>;
  close(): void;
  /** Closes, and deletes all. */
  destroy(): Promise<void>;
};

/** A store that forgets all when the process ends. */
export function createMemoryStore(): ClientStore {
  const values = new Map<string, unknown>();
  return {
    load: async () => ({ syncToken: undefined, rooms: [], accountData: new Map(), outgoing: [] }),
    write: async () => undefined,
    putOutgoing: async () => undefined,
    deleteOutgoing: async () => undefined,
    getValue: async (key) => values.get(key),
    putValue: async (key, value) => {
      values.set(key, value);
    },
    close: () => undefined,
    destroy: async () => undefined,
  };
}
