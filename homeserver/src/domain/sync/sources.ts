import type { ClientEvent } from 'federation-spec/api/schemas/events.ts';
import type { ToDeviceEvent } from 'federation-spec/api/schemas/sync.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { ThreadSubscriptionChange } from '../../storage/thread-subscriptions.ts';
import type { StreamToken } from '../streams/token.ts';

/** The device that syncs. */
export type SyncDevice = { userId: string; userNid: number; deviceId: string };

/** What has changed in (after, upTo]. */
export type Range = { after: number; upTo: number };

/** Messages from device to device, keys and device lists. */
export type E2eeForSync = {
  /** Forgets the messages that the device has surely received: it came back with a token at or past them. */
  acknowledgeToDevice: (device: SyncDevice, upTo: number) => Promise<void>;
  /** The messages that wait. `upTo` is smaller than asked for when there are more than `limit`. */
  listToDevice: (device: SyncDevice, range: Range & { limit: number }) => Promise<{ events: ToDeviceEvent[]; upTo: number }>;
  countKeys: (device: SyncDevice) => Promise<{ oneTimeKeys: Record<string, number>; unusedFallbackTypes: string[] }>;
  listDeviceListChanges: (device: SyncDevice & Range) => Promise<{ changed: string[]; left: string[] }>;
};

/** One piece of account data; of a room, or global. */
export type AccountDataChange = { roomNid: number | null; type: string; content: string };

/** Whom a user ignores, by number as far as they have one, and by name. */
export type Ignored = { nids: ReadonlySet<number>; userIds: ReadonlySet<string> };

export type AccountDataForSync = {
  listIgnored: (userNid: number) => Promise<Ignored>;
  listChanges: (user: { userId: string; userNid: number }, range: Range) => Promise<readonly AccountDataChange[]>;
  /** The stored filter; throws M_NOT_FOUND. */
  loadFilter: (userNid: number, filterId: string) => Promise<object>;
};

/** How much of a room a user has not read. Threads are counted apart when `byThread` is given, by their root. */
export type UnreadCounts = {
  notifications: number;
  highlights: number;
  byThread?: ReadonlyMap<string, { notifications: number; highlights: number }>;
};

export type UnreadForSync = {
  count: (user: { userId: string; userNid: number }, roomNids: readonly number[]) => Promise<ReadonlyMap<number, UnreadCounts>>;
  /** The rooms in which the user's counts changed for another reason than a new event: something was read, here or elsewhere. */
  changedRooms: (user: { userNid: number } & Range) => Promise<readonly number[]>;
};

/** Receipts, typing and presence. Typing and presence live in memory, and their place in the token is `volatile`. */
export type EphemeralForSync = {
  volatileNow: () => { boot: string; volatile: number };
  listRoomEphemeral: (request: {
    userNid: number;
    roomNids: readonly number[];
    after: StreamToken | undefined;
    upTo: number;
    /** One kind alone; both when left out. */
    only?: 'receipts' | 'typing';
  }) => Promise<ReadonlyMap<number, readonly JsonObject[]>>;
  listPresence: (request: { userNid: number; after: StreamToken | undefined }) => Promise<readonly JsonObject[]>;
  /** The device came back with a token at or past this position. */
  acknowledged: (device: { userNid: number; deviceId: string }, position: number) => void;
  /** A sync of a device begins, with the `set_presence` of its request. Gives what to call at its end. */
  synced: (user: { userId: string; userNid: number }, setPresence: string | undefined) => () => void;
};

/** Events that everybody in a room is brought for a while. */
export type StickyForSync = {
  /** Those of the rooms in (after, upTo] whose time runs, the oldest first. */
  list: (
    rooms: readonly { roomNid: number; roomId: string; after: number }[],
    request: { reader: { userNid: number; deviceId: string; ignored: ReadonlySet<number> }; upTo: number; limit: number },
  ) => Promise<readonly { roomId: string; position: number; event: ClientEvent }[]>;
  /** How far one answer may tell, so that it holds no more than `limit` of them. */
  reach: (roomNids: readonly number[], range: Range & { limit: number }) => Promise<number>;
};

/** Which threads the user follows. */
export type ThreadSubscriptionsForSync = {
  /** The newest changes. `restFrom`: where older ones than these end, when there are any. */
  listChanges: (
    userNid: number,
    range: Range & { limit: number },
  ) => Promise<{ changes: readonly ThreadSubscriptionChange[]; restFrom?: number }>;
};
