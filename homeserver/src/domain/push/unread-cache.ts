import { LRUCache } from 'lru-cache';
import type { UnreadCounts } from './unread-counts.ts';

/** For how many users counts are remembered, and for how many rooms how much they have counted. */
const MAX_USERS = 20_000;
const MAX_ROOMS = 50_000;

/** What was unread when the room had counted `notifySeq` events; `isCounting` says whether what it counts since is unread too. */
export type CountedRoom = { counts: UnreadCounts; notifySeq: number; isCounting: boolean };

/**
 * Counts that were made before. A further message only adds one to them; whatever else changes them makes them forgotten.
 * A count that was under way meanwhile is not remembered.
 */
export type UnreadCache = {
  /** The moment a count begins. */
  now: () => number;
  find: (userNid: number, roomNid: number) => UnreadCounts | undefined;
  remember: (userNid: number, roomNid: number, counted: CountedRoom, countedSince: number) => void;
  /** Something changed for a user: in one room, or anywhere. */
  forgetUser: (userNid: number, roomNid?: number) => void;
  /** Something other than a further message of its main timeline changed in a room. */
  forgetRoom: (roomNid: number) => void;
  /** Events of a room have been judged, and it had counted so many. */
  advance: (roomNid: number, notifySeq: number) => void;
};

type Entry = CountedRoom & { countedSince: number };

export function createUnreadCache(): UnreadCache {
  const users = new LRUCache<number, Map<number, Entry>>({ max: MAX_USERS });
  const userChanges = new LRUCache<number, number>({ max: MAX_ROOMS });
  const roomChanges = new LRUCache<number, number>({ max: MAX_ROOMS });
  const notifySeqs = new LRUCache<number, number>({ max: MAX_ROOMS });
  let moment = 0;

  return {
    now: () => moment,
    find: (userNid, roomNid) => {
      const entry = users.get(userNid)?.get(roomNid);
      if (entry === undefined || (roomChanges.get(roomNid) ?? 0) > entry.countedSince) return undefined;
      const { counts, isCounting, notifySeq } = entry;
      const since = isCounting ? Math.max(0, (notifySeqs.get(roomNid) ?? notifySeq) - notifySeq) : 0;
      return { ...counts, notifications: counts.notifications + since };
    },
    remember: (userNid, roomNid, counted, countedSince) => {
      if ((userChanges.get(userNid) ?? 0) > countedSince || (roomChanges.get(roomNid) ?? 0) > countedSince) return;
      const rooms = users.get(userNid) ?? new Map<number, Entry>();
      rooms.set(roomNid, { ...counted, countedSince });
      users.set(userNid, rooms);
    },
    forgetUser: (userNid, roomNid) => {
      moment += 1;
      userChanges.set(userNid, moment);
      if (roomNid === undefined) users.delete(userNid);
      else users.get(userNid)?.delete(roomNid);
    },
    forgetRoom: (roomNid) => {
      moment += 1;
      roomChanges.set(roomNid, moment);
    },
    advance: (roomNid, notifySeq) => void notifySeqs.set(roomNid, notifySeq),
  };
}
