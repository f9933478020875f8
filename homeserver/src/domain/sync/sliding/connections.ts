import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import { type MatrixError, matrixError } from '../../../platform/matrix-error.ts';
import { formatToken, parseToken } from '../../streams/token.ts';
import type { SyncDevice } from '../sources.ts';
import type { Connection, Position } from './connection.ts';
import { type KeepConnections, keyOf } from './keep-connections.ts';

/** How many rooms are remembered in all, of whatever connections, and how many connections of each device. */
const MAX_REMEMBERED_ROOMS = 2_000_000;
const MAX_CONNECTIONS_PER_DEVICE = 8;
/** A `pos` is the place in the log, as a token, the birth of the connection, and the number of the answer. */
const POS = /^(s.+)_(\d{1,16})_(\d{1,16})$/;

export type Connections = {
  /** What the client knows at its `pos`. Throws M_UNKNOWN_POS when that was never given to this device's connection, or is forgotten. */
  load: (device: SyncDevice, connId: string, pos: string) => Promise<Position>;
  /** Remembers what an answer told; gives its `pos`. What was before `previous` is forgotten. */
  save: (device: SyncDevice, connId: string, position: Position, previous: string | undefined) => string;
};

type Pos = { birth: number; answer: number };

/**
 * Every connection's last positions, in memory, least recently used out. Of one that is no longer there, such as after a restart, it is read
 * what was written down: at the same place, or, when the client knows more than that, at the last one before, from where it is told again
 * what came since. So nothing that was to be told is lost, and something may be told twice.
 */
export function createConnections({ keep, clock }: { keep: KeepConnections; clock: Clock }): Connections {
  /** The connections of each device, the longest unused first. */
  const devices = new Map<string, Set<string>>();
  const connections = new LRUCache<string, Connection>({
    maxSize: MAX_REMEMBERED_ROOMS,
    sizeCalculation: ({ positions }) => [...positions.values()].reduce((sum, { rooms }) => sum + rooms.size, 1),
    dispose: (connection, key, reason) => {
      if (reason === 'set') return;
      if (reason === 'delete') keep.ended(connection);
      else keep.dropped(connection);
      const device = deviceKey(connection);
      devices.get(device)?.delete(key);
      if (devices.get(device)?.size === 0) devices.delete(device);
    },
  });
  let lastBirth = 0;

  /** Puts a connection last among its device's, and lets go of those that are too many. */
  function touch(device: string, key: string): void {
    const keys = devices.get(device) ?? new Set();
    devices.set(device, keys);
    keys.delete(key);
    keys.add(key);
    const [oldest] = keys;
    if (keys.size > MAX_CONNECTIONS_PER_DEVICE && oldest !== undefined) connections.delete(oldest);
  }

  function hold(connection: Connection): void {
    const key = keyOf(connection);
    connections.set(key, connection);
    if (connections.has(key)) touch(deviceKey(connection), key);
  }

  function giveBirth(): number {
    lastBirth = Math.max(lastBirth + 1, clock.now());
    return lastBirth;
  }

  return {
    load: async ({ userNid, deviceId }, connId, pos) => {
      const name = { userNid, deviceId, connId };
      const asked = readPos(pos);
      if (asked === undefined) throw unknownPos();
      let connection = connections.get(keyOf(name));
      if (connection === undefined) {
        const written = await keep.find(name);
        connection = connections.get(keyOf(name)) ?? (written === undefined ? undefined : catchUp(written, pos, asked));
        if (connection !== undefined) hold(connection);
      }
      const position = connection?.birth === asked.birth ? connection.positions.get(pos) : undefined;
      if (position === undefined) throw unknownPos();
      touch(deviceKey(name), keyOf(name));
      return position;
    },
    save: ({ userNid, deviceId }, connId, position, previous) => {
      const name = { userNid, deviceId, connId };
      const asked = previous === undefined ? undefined : readPos(previous);
      const before = asked === undefined ? undefined : connections.get(keyOf(name));
      const birth = asked?.birth ?? giveBirth();
      const answer = Math.max(before?.answer ?? 0, asked?.answer ?? 0) + 1;
      const pos = `${formatToken(position.token)}_${birth}_${answer}`;
      // The client has begun anew meanwhile: what is answered to its former connection leads nowhere.
      if (before !== undefined && before.birth !== birth) return pos;
      const kept = previous === undefined ? undefined : before?.positions.get(previous);
      const positions = new Map<string, Position>(kept === undefined || previous === undefined ? [] : [[previous, kept]]);
      positions.set(pos, position);
      const connection = { ...name, birth, answer, positions };
      hold(connection);
      if (connections.has(keyOf(name))) keep.changed(connection);
      return pos;
    },
  };
}

/** What is known of a connection that has gone on since it was written down: its client stands, for us, where it stood then. */
function catchUp(written: Connection, pos: string, { birth, answer }: Pos): Connection {
  const last = [...written.positions.values()].at(-1);
  if (written.birth !== birth || answer <= written.answer || last === undefined) return written;
  return { ...written, answer, positions: new Map([[pos, last]]) };
}

function deviceKey({ userNid, deviceId }: { userNid: number; deviceId: string }): string {
  return `${userNid} ${deviceId}`;
}

function readPos(pos: string): Pos | undefined {
  const [, token, birth, answer] = POS.exec(pos) ?? [];
  return token === undefined || parseToken(token)?.kind !== 'stream' ? undefined : { birth: Number(birth), answer: Number(answer) };
}

function unknownPos(): MatrixError {
  return matrixError(400, 'M_UNKNOWN_POS', 'pos is unknown or expired; start the connection again without one.');
}
