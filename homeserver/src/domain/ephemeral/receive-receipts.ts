import { isJsonObject, type JsonObject, type JsonValue } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/database.ts';
import { findRoomEvent } from '../rooms/find-room-event.ts';
import { type HotRoom, MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Interner } from '../rooms/interner.ts';
import type { NewReceipt } from './append-receipts.ts';
import type { Coalescer } from './coalescer.ts';

/** Rooms, and receipts in each, that are read from one EDU; the rest is ignored. */
const MAX_ROOMS = 50;
const MAX_RECEIPTS = 500;
/** Thread ids are event ids, and these have at most so many bytes. */
const MAX_THREAD_ID_LENGTH = 255;

type Deps = {
  database: Database;
  rooms: HotRooms;
  interner: Interner;
  clock: Clock;
  receipts: Coalescer<NewReceipt>;
  delivered: Coalescer<NewReceipt>;
};

/** Takes the receipts of another server's users. What is not right is left out in silence: there is nobody to tell. */
export type ReceiveReceipts = (origin: string, content: JsonObject, kind: 'read' | 'delivered') => Promise<void>;

/**
 * 1. A room that we are in, and that the origin is in. 2. A user of the origin who is joined. 3. An event of that room.
 * https://spec.matrix.org/latest/server-server-api/#receipts
 */
export function createReceiveReceipts({ database, rooms, interner, clock, receipts, delivered }: Deps): ReceiveReceipts {
  async function readReceipt(room: HotRoom, userId: string, value: JsonValue, kind: 'read' | 'delivered'): Promise<NewReceipt | undefined> {
    const read = readContent(value);
    if (read === undefined || room.find(MEMBER, userId)?.content['membership'] !== 'join') return undefined;
    // 3. An event of that room.
    const event = await findRoomEvent(database.sql, room, read.eventId);
    if (event === undefined) return undefined;
    const userNid = await interner.userNid(userId);
    const ts = read.ts ?? clock.now();
    const { eventNid, eventId, notifySeq } = event;
    return { userNid, userId, kind, thread: read.thread, eventNid, eventId, eventPosition: event.position ?? 0, notifySeq, ts };
  }

  return async function receiveReceipts(origin, content, kind) {
    for (const [roomId, ofRoom] of Object.entries(content).slice(0, MAX_ROOMS)) {
      // 1. A room that we are in, and that the origin is in.
      const room = await rooms.load(roomId);
      const byUser = kind === 'read' && isJsonObject(ofRoom) ? ofRoom['m.read'] : ofRoom;
      if (room === undefined || !room.joinedServers.has(origin) || room.localJoined.size === 0 || !isJsonObject(byUser)) continue;
      // 2. A user of the origin who is joined.
      const entries = Object.entries(byUser)
        .filter(([userId]) => serverNameOf(userId) === origin)
        .slice(0, MAX_RECEIPTS);
      await rooms.ensureMembers(
        room,
        entries.map(([userId]) => userId),
      );
      for (const [userId, value] of entries) {
        const receipt = await readReceipt(room, userId, value, kind);
        if (receipt !== undefined) void (kind === 'read' ? receipts : delivered).add(room.nid, receipt);
      }
    }
  };
}

function readContent(value: JsonValue): { eventId: string; thread: string; ts: number | undefined } | undefined {
  if (!isJsonObject(value) || !Array.isArray(value['event_ids'])) return undefined;
  const [eventId] = value['event_ids'];
  if (typeof eventId !== 'string') return undefined;
  const data = isJsonObject(value['data']) ? value['data'] : {};
  const { ts, thread_id: thread } = data;
  if (thread !== undefined && (typeof thread !== 'string' || thread.length > MAX_THREAD_ID_LENGTH)) return undefined;
  return { eventId, thread: thread ?? '', ts: typeof ts === 'number' && Number.isSafeInteger(ts) && ts >= 0 ? ts : undefined };
}
