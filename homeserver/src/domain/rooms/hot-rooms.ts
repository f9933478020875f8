import { roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid, listRecentTransactions, listTimelineBackwards, type StoredEvent } from '../../storage/events.ts';
import { listJoinedMembers } from '../../storage/memberships.ts';
import { listPartialServers } from '../../storage/partial-rooms.ts';
import { countJoinedByServer, findRoom, findRoomByNid, type RoomRow } from '../../storage/rooms.ts';
import { listState, listStateOfKeys } from '../../storage/state.ts';
import type { Log } from '../streams/log.ts';
import type { Committed, LoggedEvent } from '../streams/log-batch.ts';
import type { Notifier } from '../streams/notifier.ts';
import { HotRoom, MEMBER } from './hot-room.ts';
import { readPdu } from './read-pdu.ts';
import { referenceTo } from './reference-event.ts';

/** How many rooms are kept in memory. */
const MAX_HOT_ROOMS = 5_000;
/** How many of the newest events are read into a room's ring when it is loaded. */
const LOADED_RING_EVENTS = 50;
/** How many of the newest events are searched for transactions that may be repeated. */
const LOADED_TRANSACTIONS = 200;

export type HotRooms = {
  /** The room, loaded when it is not in memory; undefined when this server knows no such room. */
  load: (roomId: string) => Promise<HotRoom | undefined>;
  loadByNid: (roomNid: number) => Promise<HotRoom | undefined>;
  /** The room if it is in memory. */
  peek: (roomNid: number) => HotRoom | undefined;
  /** Takes in a room that was just made. Its first append must follow. */
  adopt: (room: HotRoom) => void;
  /** Forgets a room's memory; the next `load` reads the database. */
  evict: (roomNid: number) => void;
  /** Makes the memberships of these users present in the room's memory. */
  ensureMembers: (room: HotRoom, userIds: readonly string[]) => Promise<void>;
};

type Deps = { database: Database; log: Log; notifier: Notifier; logger: Logger };

/** The rooms in use, in memory, least recently used out. */
export function createHotRooms({ database, log, notifier, logger }: Deps): HotRooms {
  const byId = new Map<string, Promise<HotRoom | undefined>>();
  const byNid = new Map<number, HotRoom>();

  function evict(roomNid: number): void {
    const room = byNid.get(roomNid);
    if (room === undefined) return;
    room.isEvicted = true;
    byNid.delete(roomNid);
    byId.delete(room.roomId);
  }

  function trim(): void {
    for (const room of byNid.values()) {
      if (byNid.size <= MAX_HOT_ROOMS) return;
      if (room.turns.isIdle() && room.policyTurns.isIdle()) evict(room.nid);
    }
  }

  function touch(room: HotRoom): HotRoom {
    byNid.delete(room.nid);
    byNid.set(room.nid, room);
    return room;
  }

  async function load(roomId: string): Promise<HotRoom | undefined> {
    const known = byId.get(roomId);
    if (known !== undefined) {
      const room = await known;
      return room === undefined || !byNid.has(room.nid) ? room : touch(room);
    }
    const loading = loadFromDatabase(roomId);
    byId.set(roomId, loading);
    try {
      const room = await loading;
      if (room === undefined) byId.delete(roomId);
      return room;
    } catch (error) {
      byId.delete(roomId);
      throw error;
    }
  }

  async function loadFromDatabase(roomId: string): Promise<HotRoom | undefined> {
    // What was appended before the room was evicted must be committed before it is read again.
    await log.drained();
    const row = await findRoom(database.sql, roomId);
    if (row === undefined || row.heads === null) return undefined;
    const room = await readRoom(database, { ...row, heads: row.heads });
    byNid.set(room.nid, room);
    trim();
    return room;
  }

  notifier.onCommit(({ events }: Committed) => {
    for (const logged of events) byNid.get(logged.row.roomNid)?.committed(logged);
  });
  log.onRoomsFailed((roomNids) => {
    logger.warn({ roomNids: [...roomNids] }, 'the log refused events of these rooms; they are loaded anew');
    for (const roomNid of roomNids) evict(roomNid);
  });

  return {
    load,
    loadByNid: async (roomNid) => {
      const known = byNid.get(roomNid);
      if (known !== undefined) return touch(known);
      const row = await findRoomByNid(database.sql, roomNid);
      return row === undefined ? undefined : await load(row.roomId);
    },
    peek: (roomNid) => byNid.get(roomNid),
    adopt: (room) => {
      byId.set(room.roomId, Promise.resolve(room));
      byNid.set(room.nid, room);
      trim();
    },
    evict,
    ensureMembers: async (room, userIds) => {
      const absent = room.absentMembers(userIds);
      if (absent.length === 0) return;
      const keys = absent.map((userId) => ({ type: MEMBER, stateKey: userId }));
      const rows = await listStateOfKeys(database.sql, room.nid, keys);
      for (const userId of room.absentMembers(absent)) {
        const row = rows.find((candidate) => candidate.stateKey === userId);
        room.rememberMember(userId, row === undefined ? undefined : { ...row, event: readPdu(row.json) });
      }
    },
  };
}

async function readRoom({ sql }: Database, row: RoomRow & { heads: number[] }): Promise<HotRoom> {
  const rules = roomVersionRules(row.version);
  if (rules === undefined) throw new Error(`the room ${row.roomId} is stored with the unknown version ${row.version}`);
  const room = new HotRoom({ nid: row.roomNid, roomId: row.roomId, version: row.version, rules });
  room.notifySeq = row.notifySeq;
  room.isPartial = row.isPartial;

  const [heads, state, members, servers, recent, transactions] = await Promise.all([
    listEventsByNid(sql, row.heads),
    listState(sql, row.roomNid, { exceptTypes: [MEMBER] }),
    listJoinedMembers(sql, row.roomNid, { localOnly: true }),
    countJoinedByServer(sql, row.roomNid),
    listTimelineBackwards(sql, { roomNid: row.roomNid, after: 0, upTo: Number.MAX_SAFE_INTEGER, limit: LOADED_RING_EVENTS }),
    listRecentTransactions(sql, row.roomNid, LOADED_TRANSACTIONS),
  ]);

  room.heads = row.heads.flatMap((nid) => {
    const stored = heads.find((event) => event.eventNid === nid);
    if (stored === undefined) return [];
    const { eventId, topological } = stored;
    const event = readPdu(stored.json);
    return [{ eventNid: nid, eventId, topological, depth: event.depth, reference: referenceTo(event, eventId, rules) }];
  });
  for (const entry of state) room.rememberState(entry.type, entry.stateKey, { ...entry, event: readPdu(entry.json) });
  for (const member of members) room.localJoined.add(member.userNid);
  // While the members are not all known: those servers that are said to be there, with nobody known of them.
  if (row.isPartial) for (const server of await listPartialServers(sql, row.roomNid)) room.joinedServers.set(server, 0);
  for (const [server, joined] of servers) room.joinedServers.set(server, joined);
  for (const { senderNid, deviceId, txnPath, eventId } of transactions)
    room.rememberTransaction(`${senderNid} ${deviceId} ${txnPath}`, eventId);
  room.ring.push(...recent.reverse().map(toRingEntry));
  room.ringFloor = recent.length < LOADED_RING_EVENTS ? 0 : (recent[0]?.position ?? 1) - 1;
  return room;
}

/** An event read back from the database. What it changed in the state stands in `state_intervals`. */
function toRingEntry(row: StoredEvent): LoggedEvent {
  return {
    row,
    isOnMainLine: row.basePos === (row.position ?? 0) - 1,
    stateChanges: row.keyNid === null ? [] : [{ keyNid: row.keyNid, eventNid: row.eventNid }],
    memberships: [],
    heads: [],
    wakes: {},
  };
}
