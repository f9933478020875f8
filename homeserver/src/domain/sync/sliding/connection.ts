import type { Membership } from '../../../storage/memberships.ts';
import type { StreamToken } from '../../streams/token.ts';
import type { RoomConfig } from './room-config.ts';

/** What a client was told of a room, and how far. */
export type SentRoom = {
  membership: Membership;
  /** The position of the user's own membership event. */
  since: number;
  upTo: number;
  config: RoomConfig;
  isDirect: boolean;
  /** The membership event last told of each member: it needs no telling again. */
  members: ReadonlyMap<string, string>;
};

/** What a client knows at one `pos` of its connection. */
export type Position = {
  token: StreamToken;
  rooms: ReadonlyMap<number, SentRoom>;
  /** The rooms that the lists and subscriptions of that answer covered. */
  covered: ReadonlySet<number>;
  /** The extensions that were on. */
  extensions: ReadonlySet<string>;
};

/** One connection of a device: what its client knows at its last positions, the newest last. */
export type Connection = {
  userNid: number;
  deviceId: string;
  connId: string;
  /** Tells the connection from an earlier one of the same name. */
  birth: number;
  /** The number of the last answer. */
  answer: number;
  /** By `pos`. */
  positions: ReadonlyMap<string, Position>;
};
