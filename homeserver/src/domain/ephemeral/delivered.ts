import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { listUndelivered, type Undelivered } from '../../storage/receipts.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { Interner } from '../rooms/interner.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { NewReceipt } from './append-receipts.ts';
import { ALL_ROOMS, type Coalescer } from './coalescer.ts';

/** In larger rooms nobody is told what was delivered to whom. */
const MAX_DELIVERED_MEMBERS = 20;
/** How many syncing users are followed in memory; for others the database is asked when they come back. */
const MAX_FOLLOWED_USERS = 20_000;

/** By room, the newest message for a user that no device of theirs has acknowledged; and how far their devices have. */
type Followed = { waiting: Map<number, Undelivered>; reached: number };

/** Called with each token that a device comes back with: it has everything up to that position. */
export type Acknowledged = (device: { userNid: number }, position: number) => void;

type Deps = {
  database: Database;
  rooms: HotRooms;
  interner: Interner;
  notifier: Notifier;
  clock: Clock;
  logger: Logger;
  delivered: Coalescer<NewReceipt>;
};

/**
 * Notes how far the messages of small rooms have reached each member: to the newest one from somebody else that a device of theirs has
 * acknowledged by its next request. Told as `chat.blinkchat.delivered`.
 *
 * A user is followed from their first request on: what was sent since is in memory, and what was sent before is asked for once.
 */
export function createDelivered({ database, rooms, interner, notifier, clock, logger, delivered }: Deps): Acknowledged {
  const followed = new LRUCache<number, Followed>({ max: MAX_FOLLOWED_USERS });

  const report = (error: unknown) =>
    logger.warn({ err: error }, 'what was delivered could not be noted; the next acknowledgement tries again');

  notifier.onCommit(({ events }) => {
    for (const { row } of events) {
      const room = row.keyNid === null ? rooms.peek(row.roomNid) : undefined;
      if (room === undefined || !isSmall(room)) continue;
      for (const userNid of room.localJoined)
        if (userNid !== row.senderNid) followed.peek(userNid)?.waiting.set(row.roomNid, { ...row, eventPosition: positionOf(row) });
    }
  });

  /** The newest message of the room that the user has for certain. */
  function newestUpTo(newest: Undelivered, userNid: number, position: number): Undelivered | undefined {
    if (newest.eventPosition <= position) return newest;
    const ring = rooms.peek(newest.roomNid)?.ring ?? [];
    const reached = ring.findLast(({ row }) => positionOf(row) <= position && row.senderNid !== userNid && row.keyNid === null)?.row;
    return reached === undefined ? undefined : { ...reached, eventPosition: positionOf(reached) };
  }

  async function note(userNid: number, { roomNid, eventNid, eventId, eventPosition, notifySeq }: Undelivered): Promise<void> {
    const userId = await interner.userId(userNid);
    const place = { eventNid, eventId, eventPosition, notifySeq };
    await delivered.add(ALL_ROOMS, { ...place, roomNid, userNid, userId, kind: 'delivered', thread: '', ts: clock.now() });
  }

  /** From now on the user is followed; what came before is either acknowledged or waits too. */
  async function follow(userNid: number, position: number): Promise<void> {
    const user: Followed = { waiting: new Map(), reached: position };
    followed.set(userNid, user);
    for (const missed of await listUndelivered(database.sql, { userNid, maxMembers: MAX_DELIVERED_MEMBERS })) {
      if (missed.eventPosition <= user.reached) note(userNid, missed).catch(report);
      else if ((user.waiting.get(missed.roomNid)?.eventPosition ?? 0) < missed.eventPosition) user.waiting.set(missed.roomNid, missed);
    }
  }

  return function acknowledged({ userNid }, position) {
    const user = followed.get(userNid);
    if (user === undefined) {
      follow(userNid, position).catch(report);
      return;
    }
    user.reached = Math.max(user.reached, position);
    for (const [roomNid, newest] of user.waiting) {
      const reached = newestUpTo(newest, userNid, position);
      if (reached === undefined) continue;
      if (reached === newest) user.waiting.delete(roomNid);
      note(userNid, reached).catch(report);
    }
  };
}

function isSmall(room: HotRoom): boolean {
  let joined = 0;
  for (const count of room.joinedServers.values()) joined += count;
  return joined <= MAX_DELIVERED_MEMBERS;
}
