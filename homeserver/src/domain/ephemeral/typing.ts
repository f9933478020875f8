import type { JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { forbidden } from '../../platform/matrix-error.ts';
import { type HotRoom, MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import { isServerAllowed } from '../rooms/server-acl.ts';
import type { LoggedEvent } from '../streams/log-batch.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { StreamToken } from '../streams/token.ts';
import type { SendVolatileEdu, Volatile } from './volatile.ts';

/** How long somebody is said to type when the client names no time, and at most. */
const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_TIMEOUT_MS = 120_000;
/** Another server says when its user stops; this is how long we believe it when it does not. */
const REMOTE_TIMEOUT_MS = 60_000;
/** Other servers are told again after so long while somebody goes on typing. */
const REPEAT_EDU_MS = 20_000;
/** Who sends one of these has sent what they typed. */
const SENT_TYPES: readonly string[] = ['m.room.message', 'm.room.encrypted', 'm.sticker'];
/** Most people said to type in one room. */
const MAX_TYPISTS = 50;

export type Typing = {
  /** Throws M_FORBIDDEN for a room the user is not in. */
  set: (
    user: { userId: string; userNid: number },
    typing: { roomId: string; isTyping: boolean; timeoutMs?: number | undefined },
  ) => Promise<void>;
  /** Takes what another server tells of its user; ignores what is not right. */
  receive: (origin: string, content: JsonObject) => Promise<void>;
  /** The `m.typing` events of those rooms among the given whose typists changed since the token. */
  listChanges: (roomNids: readonly number[], after: StreamToken | undefined) => Map<number, JsonObject>;
  /** The `m.typing` events of all rooms whose typists changed since. */
  listChangedSince: (volatile: number) => { roomNid: number; event: JsonObject }[];
  /** Forgets all timers. */
  stop: () => void;
};

type Typist = { timer: NodeJS.Timeout; toldAt: number };
type TypingRoom = { typists: Map<string, Typist>; changedAt: number };
type Deps = {
  rooms: Pick<HotRooms, 'load' | 'peek' | 'ensureMembers'>;
  notifier: Notifier;
  volatile: Volatile;
  sendVolatile: SendVolatileEdu;
  serverName: string;
};

/** Who is typing where, in memory. https://spec.matrix.org/latest/client-server-api/#typing-notifications */
export function createTyping({ rooms, notifier, volatile, sendVolatile, serverName }: Deps): Typing {
  const byRoom = new Map<number, TypingRoom>();

  function changed(room: HotRoom, state: TypingRoom): void {
    state.changedAt = volatile.next();
    notifier.wakeUsers(room.localJoined);
  }

  function start(room: HotRoom, userId: string, timeoutMs: number): void {
    const state = byRoom.get(room.nid) ?? { typists: new Map<string, Typist>(), changedAt: 0 };
    byRoom.set(room.nid, state);
    const earlier = state.typists.get(userId);
    if (earlier === undefined && state.typists.size >= MAX_TYPISTS && !makeRoom(room, state, userId)) return;
    clearTimeout(earlier?.timer);
    const timer = setTimeout(() => end(room, userId), timeoutMs).unref();
    const isDue = earlier === undefined || performance.now() - earlier.toldAt > REPEAT_EDU_MS;
    state.typists.set(userId, { timer, toldAt: isDue ? performance.now() : earlier.toldAt });
    if (earlier === undefined) changed(room, state);
    if (isDue) tellServers(room, userId, true);
  }

  /** Somebody of the server that has most makes room for another's. */
  function makeRoom(room: HotRoom, state: TypingRoom, userId: string): boolean {
    const byServer = Map.groupBy(state.typists.keys(), (typist) => serverNameOf(typist) ?? '');
    const [server, typists] = [...byServer].reduce((most, other) => (other[1].length > most[1].length ? other : most));
    if (server === serverNameOf(userId) || typists[0] === undefined) return false;
    end(room, typists[0]);
    return true;
  }

  function end(room: HotRoom, userId: string): void {
    const state = byRoom.get(room.nid);
    const typist = state?.typists.get(userId);
    if (state === undefined || typist === undefined) return;
    clearTimeout(typist.timer);
    state.typists.delete(userId);
    changed(room, state);
    tellServers(room, userId, false);
  }

  /** https://spec.matrix.org/latest/server-server-api/#typing-notifications */
  function tellServers(room: HotRoom, userId: string, typing: boolean): void {
    if (serverNameOf(userId) !== serverName) return;
    const destinations = [...room.joinedServers.keys()].filter((server) => server !== serverName);
    if (destinations.length === 0) return;
    const content = { room_id: room.roomId, user_id: userId, typing };
    sendVolatile(
      'm.typing',
      destinations.map((destination) => ({ destination, content })),
    );
  }

  /** Whose typing an event ends: the sender's of a message, and that of who leaves. */
  function typistEndedBy({ row }: LoggedEvent): string | undefined {
    if (row.type !== MEMBER) return SENT_TYPES.includes(row.type) ? readPdu(row.json).sender : undefined;
    const { state_key: userId, content } = readPdu(row.json);
    return content['membership'] === 'join' ? undefined : userId;
  }

  notifier.onCommit(({ events }) => {
    for (const event of events) {
      if ((byRoom.get(event.row.roomNid)?.typists.size ?? 0) === 0) continue;
      const room = rooms.peek(event.row.roomNid);
      const userId = typistEndedBy(event);
      if (room !== undefined && userId !== undefined) end(room, userId);
    }
  });

  return {
    set: async ({ userId, userNid }, { roomId, isTyping, timeoutMs = DEFAULT_TIMEOUT_MS }) => {
      const room = await rooms.load(roomId);
      if (!room?.localJoined.has(userNid)) throw forbidden(`You are not in the room ${roomId}.`);
      if (isTyping) start(room, userId, Math.min(Math.max(timeoutMs, 1), MAX_TIMEOUT_MS));
      else end(room, userId);
    },

    receive: async (origin, { room_id: roomId, user_id: userId, typing }) => {
      if (typeof roomId !== 'string' || typeof userId !== 'string' || serverNameOf(userId) !== origin) return;
      const room = await rooms.load(roomId);
      if (!room?.joinedServers.has(origin) || !isServerAllowed(room, origin) || room.localJoined.size === 0) return;
      await rooms.ensureMembers(room, [userId]);
      if (room.find(MEMBER, userId)?.content['membership'] !== 'join') return;
      if (typing === true) start(room, userId, REMOTE_TIMEOUT_MS);
      else end(room, userId);
    },

    listChanges: (roomNids, after) => {
      const { boot } = volatile.now();
      const events = new Map<number, JsonObject>();
      for (const roomNid of roomNids) {
        const state = byRoom.get(roomNid);
        // A client of an earlier start may still show people who typed then.
        const isChanged =
          after === undefined ? (state?.typists.size ?? 0) > 0 : after.boot !== boot || (state?.changedAt ?? 0) > after.volatile;
        if (isChanged) events.set(roomNid, { type: 'm.typing', content: { user_ids: [...(state?.typists.keys() ?? [])] } });
      }
      return events;
    },

    listChangedSince: (after) =>
      [...byRoom]
        .filter(([, { changedAt }]) => changedAt > after)
        .map(([roomNid, { typists }]) => ({ roomNid, event: { type: 'm.typing', content: { user_ids: [...typists.keys()] } } })),

    stop: () => {
      for (const { typists } of byRoom.values()) for (const { timer } of typists.values()) clearTimeout(timer);
      byRoom.clear();
    },
  };
}
