import { LRUCache } from 'lru-cache';
import { type MatrixError, matrixError } from '../../../platform/matrix-error.ts';
import type { Membership } from '../../../storage/memberships.ts';
import { formatToken, type StreamToken } from '../../streams/token.ts';
import type { SyncDevice } from '../sources.ts';
import type { RoomConfig } from './room-config.ts';

/** How many rooms are remembered in all, of whatever connections, and how many connections of each device. */
const MAX_REMEMBERED_ROOMS = 2_000_000;
const MAX_CONNECTIONS_PER_DEVICE = 8;

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

type Connection = { device: string; positions: ReadonlyMap<string, Position> };

/** Every connection's last positions, in memory, least recently used out: who is forgotten, as all are by a restart, begins anew. */
export function createConnections(): Connections {
  /** The connections of each device, the longest unused first. */
  const devices = new Map<string, Set<string>>();
  const connections = new LRUCache<string, Connection>({
    maxSize: MAX_REMEMBERED_ROOMS,
    sizeCalculation: ({ positions }) => [...positions.values()].reduce((sum, { rooms }) => sum + rooms.size, 1),
    dispose: ({ device }, key, reason) => {
      if (reason === 'set') return;
      devices.get(device)?.delete(key);
      if (devices.get(device)?.size === 0) devices.delete(device);
    },
  });
  const deviceKey = ({ userNid, deviceId }: SyncDevice) => `${userNid} ${deviceId}`;
  let answers = 0;

  /** Puts a connection last among its device's, and lets go of those that are too many. */
  function touch(device: string, key: string): void {
    const keys = devices.get(device) ?? new Set();
    devices.set(device, keys);
    keys.delete(key);
    keys.add(key);
    const [oldest] = keys;
    if (keys.size > MAX_CONNECTIONS_PER_DEVICE && oldest !== undefined) connections.delete(oldest);
  }

  return {
    load: (device, connId, pos) => {
      const key = `${deviceKey(device)} ${connId}`;
      const position = connections.get(key)?.positions.get(pos);
      if (position === undefined) throw unknownPos();
      touch(deviceKey(device), key);
      return position;
    },
    save: (device, connId, position, previous) => {
      const owner = deviceKey(device);
      const key = `${owner} ${connId}`;
      const kept = previous === undefined ? undefined : connections.get(key)?.positions.get(previous);
      answers += 1;
      const pos = `${formatToken(position.token)}_${answers}`;
      const positions = new Map<string, Position>(kept === undefined || previous === undefined ? [] : [[previous, kept]]);
      positions.set(pos, position);
      connections.set(key, { device: owner, positions });
      if (connections.has(key)) touch(owner, key);
      return pos;
    },
  };
}

function unknownPos(): MatrixError {
  return matrixError(400, 'M_UNKNOWN_POS', 'pos is unknown or expired; start the connection again without one.');
}
