import { LRUCache } from 'lru-cache';
import { type MatrixError, matrixError } from '../../../platform/matrix-error.ts';
import type { Membership } from '../../../storage/memberships.ts';
import { formatToken, type StreamToken } from '../../streams/token.ts';
import type { SyncDevice } from '../sources.ts';
import type { RoomConfig } from './room-config.ts';

/** How many devices' connections are remembered, and how many of each device. */
const MAX_DEVICES = 10_000;
const MAX_CONNECTIONS_PER_DEVICE = 8;
/** The position that a client came with, and the one that it was given for it. */
const MAX_POSITIONS = 2;

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

export type Connections = {
  /** What the client knows at its `pos`. Throws M_UNKNOWN_POS when that was never given to this device's connection, or is forgotten. */
  load: (device: SyncDevice, connId: string, pos: string) => Position;
  /** Remembers what an answer told; gives its `pos`. What was before `previous` is forgotten. */
  save: (device: SyncDevice, connId: string, position: Position, previous: string | undefined) => string;
};

/** Every connection's last positions, in memory: after a restart clients begin anew. */
export function createConnections(): Connections {
  const devices = new LRUCache<string, LRUCache<string, Map<string, Position>>>({ max: MAX_DEVICES });
  const keyOf = ({ userNid, deviceId }: SyncDevice) => `${userNid} ${deviceId}`;
  let answers = 0;

  return {
    load: (device, connId, pos) => {
      const position = devices.get(keyOf(device))?.get(connId)?.get(pos);
      if (position === undefined) throw unknownPos();
      return position;
    },
    save: (device, connId, position, previous) => {
      const key = keyOf(device);
      const connections = devices.get(key) ?? new LRUCache({ max: MAX_CONNECTIONS_PER_DEVICE });
      devices.set(key, connections);
      const kept = previous === undefined ? undefined : connections.get(connId)?.get(previous);
      const positions = new Map<string, Position>(kept === undefined || previous === undefined ? [] : [[previous, kept]]);
      answers += 1;
      const pos = `${formatToken(position.token)}_${answers}`;
      positions.set(pos, position);
      if (positions.size > MAX_POSITIONS) throw new Error('a connection remembers more positions than it may');
      connections.set(connId, positions);
      return pos;
    },
  };
}

function unknownPos(): MatrixError {
  return matrixError(400, 'M_UNKNOWN_POS', 'pos is unknown or expired; start the connection again without one.');
}
