import { MAIN_TIMELINE } from 'federation-spec/push-rules/thread-of.ts';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, invalidParam, notFound } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { listReceiptsOfUser } from '../../storage/receipts.ts';
import type { AccountData } from '../accounts/account-data.ts';
import { findRoomEvent } from '../rooms/find-room-event.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { NewReceipt } from './append-receipts.ts';
import type { Coalescer } from './coalescer.ts';
import { isInThread } from './is-in-thread.ts';

type Reader = { userId: string; userNid: number };

const FULLY_READ = 'm.fully_read';

/** How far people have read. A marker never moves backwards: one that would is taken and changes nothing. */
export type Receipts = {
  /**
   * Resolves once the receipt is committed. `threadId` is `main`, a thread's root, or undefined for all of the room.
   * Nothing happens for an event that the room does not have.
   * @throws M_FORBIDDEN for a room the reader is not in, M_INVALID_PARAM for a wrong thread
   */
  mark: (reader: Reader, receipt: { roomId: string; eventId: string; isPrivate: boolean; threadId?: string | undefined }) => Promise<void>;
  /** Moves the reader's own marker `m.fully_read`, which is room account data. @throws M_NOT_FOUND for an event the room does not have */
  markFullyRead: (reader: Reader, place: { roomId: string; eventId: string }) => Promise<void>;
};

type Deps = {
  database: Database;
  rooms: HotRooms;
  clock: Clock;
  receipts: Coalescer<NewReceipt>;
  accountData: Pick<AccountData, 'find' | 'edit'>;
};

/** https://spec.matrix.org/latest/client-server-api/#receipts */
export function createReceipts({ database, rooms, clock, receipts, accountData }: Deps): Receipts {
  const { sql } = database;

  async function enter(reader: Reader, roomId: string): Promise<HotRoom> {
    const room = await rooms.load(roomId);
    if (!room?.localJoined.has(reader.userNid)) throw forbidden(`You are not in the room ${roomId}.`);
    return room;
  }

  async function checkThread(room: HotRoom, event: StoredEvent, threadId: string | undefined): Promise<void> {
    if (threadId === undefined) return;
    if (threadId !== MAIN_TIMELINE && !threadId.startsWith('$')) throw invalidParam('thread_id is "main" or the event id of a thread.');
    if (!(await isInThread(sql, room, event, threadId))) throw invalidParam(`The event ${event.eventId} is not in the thread ${threadId}.`);
  }

  return {
    mark: async (reader, { roomId, eventId, isPrivate, threadId }) => {
      const room = await enter(reader, roomId);
      const event = await findRoomEvent(sql, room, eventId);
      // The client may have seen what was purged since, or has not come here yet: its receipt is of no consequence then.
      if (event === undefined) return;
      await checkThread(room, event, threadId);

      const kind = isPrivate ? 'private' : 'read';
      const thread = threadId ?? '';
      const eventPosition = event.position ?? 0;
      const stored = await listReceiptsOfUser(sql, room.nid, reader.userNid);
      const current = stored.find((receipt) => receipt.kind === kind && receipt.thread === thread);
      if (current !== undefined && current.eventPosition >= eventPosition && current.eventPosition > 0) return;
      const { eventNid, notifySeq } = event;
      await receipts.add(room.nid, {
        ...reader,
        roomNid: room.nid,
        kind,
        thread,
        eventNid,
        eventId,
        eventPosition,
        notifySeq,
        ts: clock.now(),
      });
    },

    markFullyRead: async (reader, { roomId, eventId }) => {
      const room = await enter(reader, roomId);
      const event = await findRoomEvent(sql, room, eventId);
      if (event === undefined) throw notFound(`The room has no event ${eventId} that you may see.`);
      const current = await accountData.find(reader.userNid, roomId, FULLY_READ);
      const currentId = current !== undefined && 'event_id' in current ? current.event_id : undefined;
      const marked = typeof currentId === 'string' ? await findRoomEvent(sql, room, currentId) : undefined;
      if (marked !== undefined && (marked.position ?? 0) >= (event.position ?? 0) && marked.position !== null) return;
      await accountData.edit(reader.userNid, roomId, FULLY_READ, () => ({ event_id: eventId }));
    },
  };
}
