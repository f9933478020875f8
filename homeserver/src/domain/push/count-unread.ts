import { MAIN_TIMELINE } from 'federation-spec/push-rules/thread-of.ts';
import type { Database } from '../../storage/database.ts';
import { listModes, listRoomsNoted, type Mode } from '../../storage/notifications.ts';
import { listRoomsRead } from '../../storage/receipts.ts';
import { listCountedApart, listDeviationSums, listNotifySeqs, type ReadMark, type Stretch } from '../../storage/unread.ts';
import type { Activity } from '../streams/activity.ts';
import type { OwnEvents } from './own-events.ts';
import type { CountedRoom, UnreadCache } from './unread-cache.ts';
import type { Count, UnreadCounts } from './unread-counts.ts';

/** The end of a stretch that goes on. */
const NO_END = Number.MAX_SAFE_INTEGER;

export type CountUnread = (user: { userNid: number }, roomNids: readonly number[]) => Promise<Map<number, UnreadCounts>>;

type Deps = {
  database: Database;
  cache: UnreadCache;
  loadReadMarks: OwnEvents['loadReadMarks'];
  /** Resolves when what was committed so far has been judged by the push rules, with true; or after a while, with false. */
  caughtUp: () => Promise<boolean>;
};

/**
 * What a user has not read, of many rooms in a few queries.
 *
 * 1. How far they have read: all of the room, its main timeline, each thread.
 * 2. The stretches of the log in which the room's count is theirs too (it is not while they have muted the room).
 * 3. The room's count over these stretches, less what was counted for threads or redacted; of threads, what was counted for them.
 * 4. What was noted for them alone.
 *
 * https://spec.matrix.org/latest/client-server-api/#receiving-notifications
 */
export function createCountUnread({ database, cache, loadReadMarks, caughtUp }: Deps): CountUnread {
  const { sql } = database;
  return async function countUnread({ userNid }, roomNids) {
    const known = new Map<number, UnreadCounts>();
    if (roomNids.length === 0) return known;
    const isCurrent = await caughtUp();
    const since = cache.now();
    for (const roomNid of roomNids) {
      const counts = cache.find(userNid, roomNid);
      if (counts !== undefined) known.set(roomNid, counts);
    }
    const unknown = roomNids.filter((roomNid) => !known.has(roomNid));
    for (const [roomNid, counted] of unknown.length === 0 ? [] : await countRooms(userNid, unknown)) {
      if (isCurrent) cache.remember(userNid, roomNid, counted, since);
      known.set(roomNid, counted.counts);
    }
    return known;
  };

  async function countRooms(userNid: number, roomNids: readonly number[]): Promise<Map<number, CountedRoom>> {
    const counts = new Map<number, UnreadCounts>();
    const [marks, seqs, modes] = await Promise.all([
      loadReadMarks(userNid, roomNids),
      listNotifySeqs(sql, roomNids),
      listModes(sql, userNid, roomNids),
    ]);
    const marksOf = Map.groupBy(marks, (mark) => mark.roomNid);
    const modesOf = Map.groupBy(modes, (mode) => mode.roomNid);

    const bases: ReadMark[] = [];
    const effective: ReadMark[] = [];
    const stretches: Stretch[] = [];
    for (const { roomNid, notifySeq } of seqs) {
      // 1. How far they have read. Nobody is in a room without an event of their own: their join.
      const ofRoom = marksOf.get(roomNid) ?? [];
      const base = ofRoom.find((mark) => mark.thread === '');
      if (base === undefined) continue;
      const ahead = ofRoom.map((mark) => (mark.position > base.position ? mark : { ...base, thread: mark.thread }));
      const main = ahead.find((mark) => mark.thread === MAIN_TIMELINE) ?? { ...base, thread: MAIN_TIMELINE };
      bases.push(base);
      effective.push(main, ...ahead.filter((mark) => mark.thread !== MAIN_TIMELINE && mark.thread !== ''));

      // 2. The stretches that count.
      const segments = listCounting(modesOf.get(roomNid) ?? [], notifySeq);
      stretches.push(...segments.map(({ from, to }) => ({ roomNid, after: Math.max(from.position, base.position), upTo: to.position })));

      // 3. The room's count over them.
      const counted = segments.reduce((sum, { from, to }) => sum + Math.max(0, to.notifySeq - Math.max(from.notifySeq, main.notifySeq)), 0);
      counts.set(roomNid, { notifications: counted, highlights: 0, byThread: new Map() });
    }

    const [apart, noted] = await Promise.all([
      listCountedApart(sql, stretches, effective),
      listDeviationSums(sql, userNid, bases, [...effective, ...bases]),
    ]);
    for (const { roomNid, thread, afterMain, afterThread } of apart) {
      const count = counts.get(roomNid);
      if (count === undefined) continue;
      count.notifications -= afterMain;
      if (thread !== '') add(count, thread, { notifications: afterThread, highlights: 0 });
    }

    // 4. What was noted for them alone.
    for (const { roomNid, thread, delta, highlights } of noted) {
      const count = counts.get(roomNid);
      if (count !== undefined) add(count, thread, { notifications: delta, highlights });
    }
    const counted = new Map<number, CountedRoom>();
    for (const { roomNid, notifySeq } of seqs) {
      const count = counts.get(roomNid);
      if (count === undefined) continue;
      settle(count);
      counted.set(roomNid, { counts: count, notifySeq, isCounting: modesOf.get(roomNid)?.at(-1)?.counts ?? true });
    }
    return counted;
  }
}

function add(count: UnreadCounts, thread: string, { notifications, highlights }: Count): void {
  const target = thread === MAIN_TIMELINE ? count : (count.byThread.get(thread) ?? { notifications: 0, highlights: 0 });
  target.notifications += notifications;
  target.highlights += highlights;
  if (thread !== MAIN_TIMELINE) count.byThread.set(thread, target);
}

/** Threads in which nothing is unread are not told. While the follower is behind, a count may be off; it is never negative. */
function settle(count: UnreadCounts): void {
  count.notifications = Math.max(0, count.notifications);
  for (const [thread, inThread] of count.byThread) {
    inThread.notifications = Math.max(0, inThread.notifications);
    if (inThread.notifications === 0 && inThread.highlights === 0) count.byThread.delete(thread);
  }
}

type Edge = { position: number; notifySeq: number };

/** The stretches of a room's log that count for a user, from the changes of their mode, oldest first. */
function listCounting(modes: readonly Mode[], notifySeq: number): { from: Edge; to: Edge }[] {
  const segments: { from: Edge; to: Edge }[] = [];
  let from: Edge | undefined = { position: 0, notifySeq: 0 };
  for (const mode of modes) {
    if (!mode.counts && from !== undefined) segments.push({ from, to: mode });
    if (mode.counts) from ??= mode;
    else from = undefined;
  }
  if (from !== undefined) segments.push({ from, to: { position: NO_END, notifySeq } });
  return segments;
}

/** The rooms whose counts changed for a user for another reason than a new event: they read something, or something was noted for them. */
export function createListChangedCounts({ database, readers, noted }: { database: Database; readers: Activity; noted: Activity }) {
  return async function listChangedCounts({ userNid, after, upTo }: { userNid: number; after: number; upTo: number }): Promise<number[]> {
    const [fromReading, fromNoting] = await Promise.all([
      readers.isActiveSince(after)(userNid) ? listRoomsRead(database.sql, userNid, { after, upTo }) : [],
      noted.isActiveSince(after)(userNid) ? listRoomsNoted(database.sql, userNid, { after, upTo }) : [],
    ]);
    return [...new Set([...fromReading, ...fromNoting])];
  };
}
