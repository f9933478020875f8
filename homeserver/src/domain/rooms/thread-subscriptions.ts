import { matrixError, notFound, tooLarge } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { relationOf } from '../../storage/relation-of.ts';
import {
  countThreadSubscriptions,
  findThreadSubscription,
  listThreadSubscriptionChanges,
  type ThreadSubscriptionChange,
  upsertThreadSubscription,
} from '../../storage/thread-subscriptions.ts';
import type { Log } from '../streams/log.ts';
import type { EnterRoom, RoomReader } from './enter-room.ts';
import type { HotRoom } from './hot-room.ts';

type Thread = { roomId: string; rootId: string };
type Range = { after: number; upTo: number; limit: number };

/** Which threads people follow. https://github.com/matrix-org/matrix-spec-proposals/pull/4306 */
export type ThreadSubscriptions = {
  /** @throws M_NOT_FOUND for a thread that the reader may not see or does not follow */
  load: (reader: RoomReader, thread: Thread) => Promise<{ isAutomatic: boolean }>;
  /**
   * Follows a thread. `causeId` is the event of the thread because of which a client does so by itself.
   *
   * @throws M_NOT_FOUND; IO.ELEMENT.MSC4306.M_NOT_IN_THREAD; IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION when the person stopped following after that event
   */
  subscribe: (reader: RoomReader, thread: Thread, causeId: string | undefined) => Promise<void>;
  /** @throws M_NOT_FOUND for a thread that the reader may not see */
  unsubscribe: (reader: RoomReader, thread: Thread) => Promise<void>;
  /** The newest changes in (after, upTo]. `restFrom`: where older ones than these end, when there are any. */
  listChanges: (userNid: number, range: Range) => Promise<{ changes: ThreadSubscriptionChange[]; restFrom?: number }>;
};

const MAX_SUBSCRIPTIONS = 20_000;

type Deps = { database: Database; log: Log; enterRoom: EnterRoom };

export function createThreadSubscriptions({ database, log, enterRoom }: Deps): ThreadSubscriptions {
  const { sql } = database;

  async function findEvent(reader: RoomReader, roomId: string, eventId: string): Promise<{ room: HotRoom; event: StoredEvent }> {
    const { room, view } = await enterRoom.enter(reader, roomId).catch(() => {
      throw notFound('You know no such thread'); // whether the room is there is not told
    });
    return { room, event: await enterRoom.findVisible(room, view, eventId) };
  }

  async function write(userNid: number, roomNid: number, rootId: string, change: { isSubscribed: boolean; isAutomatic: boolean }) {
    if ((await countThreadSubscriptions(sql, userNid)) >= MAX_SUBSCRIPTIONS)
      throw tooLarge(`At most ${MAX_SUBSCRIPTIONS} threads can be followed`);
    const row = { userNid, roomNid, rootId, ...change };
    await log.append({
      rows: [{ write: (tx, position) => upsertThreadSubscription(tx, { ...row, position }), wakes: { users: [userNid] } }],
    });
  }

  return {
    load: async (reader, { roomId, rootId }) => {
      const { room } = await findEvent(reader, roomId, rootId);
      const found = await findThreadSubscription(sql, { userNid: reader.userNid, roomNid: room.nid, rootId });
      if (found?.isSubscribed !== true) throw notFound('You do not follow this thread');
      return { isAutomatic: found.isAutomatic };
    },

    subscribe: async (reader, { roomId, rootId }, causeId) => {
      const { room } = await findEvent(reader, roomId, rootId);
      const earlier = await findThreadSubscription(sql, { userNid: reader.userNid, roomNid: room.nid, rootId });
      const isAutomatic = causeId !== undefined;
      if (isAutomatic) {
        const { event: cause } = await findEvent(reader, roomId, causeId);
        if (!isOfThread(cause, rootId)) throw notInThread(causeId);
        if (earlier?.isSubscribed === false && (cause.position ?? 0) <= earlier.position) throw conflictingUnsubscription();
      }
      // What a person decided stays so when a client subscribes by itself.
      if (earlier?.isSubscribed === true && (isAutomatic || !earlier.isAutomatic)) return;
      await write(reader.userNid, room.nid, rootId, { isSubscribed: true, isAutomatic });
    },

    unsubscribe: async (reader, { roomId, rootId }) => {
      const { room } = await findEvent(reader, roomId, rootId);
      await write(reader.userNid, room.nid, rootId, { isSubscribed: false, isAutomatic: false });
    },

    listChanges: async (userNid, { after, upTo, limit }) => {
      const found = await listThreadSubscriptionChanges(sql, userNid, { after, upTo, limit: limit + 1 });
      const changes = found.slice(0, limit);
      const last = changes.at(-1);
      return found.length > limit && last !== undefined ? { changes, restFrom: last.position - 1 } : { changes };
    },
  };
}

function isOfThread(event: StoredEvent, rootId: string): boolean {
  const relation = relationOf(event);
  return relation?.relType === 'm.thread' && relation.targetId === rootId;
}

const notInThread = (eventId: string) =>
  matrixError(400, 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', `The event ${eventId} is not part of this thread`);
const conflictingUnsubscription = () =>
  matrixError(409, 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION', 'You stopped following this thread after that event');
