import type { SlidingSyncExtensions, SlidingSyncFilters } from 'federation-spec/api/schemas/sliding-sync.ts';
import type { SyncDevice } from '../sources.ts';
import type { RoomWish } from './room-config.ts';

export type ListWish = RoomWish & {
  /** First and last place, both included; undefined for all that match. */
  ranges: readonly (readonly [number, number])[] | undefined;
  filters: SlidingSyncFilters | undefined;
};

/** What a client asks for by one step of a connection, in whichever form it speaks. */
export type SlidingRequest = {
  device: SyncDevice;
  connId: string;
  pos: string | undefined;
  txnId: string | undefined;
  timeoutMs: number;
  setPresence: string | undefined;
  lists: ReadonlyMap<string, ListWish>;
  /** By room id. */
  subscriptions: ReadonlyMap<string, RoomWish>;
  extensions: SlidingSyncExtensions;
  signal: AbortSignal;
};
