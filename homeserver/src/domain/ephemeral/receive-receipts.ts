import { isJsonObject, type JsonObject, type JsonValue } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/database.ts';
import { findRoomEvent } from '../rooms/find-room-event.ts';
import { MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Interner } from '../rooms/interner.ts';
import { isServerAllowed } from '../rooms/server-acl.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { NewReceipt } from './append-receipts.ts';
import { ALL_ROOMS, type Coalescer } from './coalescer.ts';
import { createEarlyReceipts, type EarlyReceipt, type RemoteKind } from './early-receipts.ts';
import { isInThread } from './is-in-thread.ts';

/** Rooms, and receipts in each, that are read from one EDU; the rest is ignored. */
const MAX_ROOMS = 50;
const MAX_RECEIPTS = 500;
/** Thread ids are event ids, and these have at most so many bytes. */
const MAX_THREAD_ID_LENGTH = 255;

type Deps = {
  database: Database;
  rooms: HotRooms;
  interner: Interner;
  notifier: Notifier;
  clock: Clock;
  receipts: Coalescer<NewReceipt>;
  delivered: Coalescer<NewReceipt>;
};

/** Takes the receipts of another server's users. What is not right is left out in silence: there is nobody to tell. */
export type ReceiveReceipts = (origin: string, content: JsonObject, kind: RemoteKind) => Promise<void>;

/**
 * 1. A room that we are in, and that the origin is in. 2. A user of the origin who is joined. 3. An event of that room.
 * https://spec.matrix.org/latest/server-server-api/#receipts
 */
export function createReceiveReceipts({ database, rooms, interner, notifier, clock, receipts, delivered }: Deps): ReceiveReceipts {
  const early = createEarlyReceipts();

  notifier.onCommit(({ events }) => {
    for (const { row } of events) for (const receipt of early.take(row.eventId)) void take(receipt).catch(() => undefined);
  });

  async function take({ origin, room, userId, value, kind }: Omit<EarlyReceipt, 'eventId'>): Promise<void> {
    const read = readContent(value);
    if (read === undefined || room.find(MEMBER, userId)?.content['membership'] !== 'join') return;
    // 3. An event of that room, now or soon.
    const event = await findRoomEvent(database.sql, room, read.eventId);
    if (event === undefined) {
      early.keep({ origin, room, eventId: read.eventId, userId, value, kind });
      return;
    }
    // Threads that are invented would each be kept a mark of.
    if (read.thread !== '' && !(await isInThread(database.sql, room, event, read.thread))) return;
    const userNid = await interner.userNid(userId);
    const { eventNid, eventId, notifySeq } = event;
    const place = { eventNid, eventId, notifySeq, eventPosition: event.position ?? 0 };
    const receipt = { ...place, roomNid: room.nid, userNid, userId, kind, thread: read.thread, ts: read.ts ?? clock.now() };
    if (kind === 'read') void receipts.add(room.nid, receipt);
    else void delivered.add(ALL_ROOMS, receipt);
  }

  return async function receiveReceipts(origin, content, kind) {
    for (const [roomId, ofRoom] of Object.entries(content).slice(0, MAX_ROOMS)) {
      // 1. A room that we are in, and that the origin is in.
      const room = await rooms.load(roomId);
      const byUser = kind === 'read' && isJsonObject(ofRoom) ? ofRoom['m.read'] : ofRoom;
      if (
        room === undefined ||
        !room.joinedServers.has(origin) ||
        !isServerAllowed(room, origin) ||
        room.localJoined.size === 0 ||
        !isJsonObject(byUser)
      )
        continue;
      // 2. A user of the origin who is joined.
      const entries = Object.entries(byUser)
        .filter(([userId]) => serverNameOf(userId) === origin)
        .slice(0, MAX_RECEIPTS);
      await rooms.ensureMembers(
        room,
        entries.map(([userId]) => userId),
      );
      for (const [userId, value] of entries) await take({ origin, room, userId, value, kind });
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
