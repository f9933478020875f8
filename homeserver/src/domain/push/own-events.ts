import type { Database } from '../../storage/database.ts';
import { upsertOwnEvents } from '../../storage/notifications.ts';
import { listReadMarks, type ReadMark } from '../../storage/unread.ts';

/** So many are kept in memory; beyond that they are written at once. */
const MAX_UNWRITTEN = 5_000;

/** A sender's own event: they have read what was before it, in its thread. */
export type OwnEvent = { roomNid: number; userNid: number; thread: string; eventNid: number; position: number; notifySeq: number };

/** Where people stand by their own events. Written now and then, before the follower's cursor: a crash replays what was not. */
export type OwnEvents = {
  note: (own: OwnEvent) => Promise<void>;
  /** How far a user has read, by receipts and own events, whether written or not. */
  loadReadMarks: (userNid: number, roomNids: readonly number[]) => Promise<ReadMark[]>;
  flush: () => Promise<void>;
};

export function createOwnEvents({ database }: { database: Database }): OwnEvents {
  const unwritten = new Map<number, Map<string, OwnEvent>>();
  let size = 0;

  async function flush(): Promise<void> {
    const writing = [...unwritten.values()].flatMap((ofUser) => [...ofUser]);
    if (writing.length === 0) return;
    await upsertOwnEvents(
      database.lazySql,
      writing.map(([, own]) => own),
    );
    for (const [key, own] of writing) {
      const ofUser = unwritten.get(own.userNid);
      if (ofUser?.get(key) !== own) continue;
      ofUser.delete(key);
      size -= 1;
      if (ofUser.size === 0) unwritten.delete(own.userNid);
    }
  }

  return {
    flush,
    note: async (own) => {
      const ofUser = unwritten.get(own.userNid) ?? new Map<string, OwnEvent>();
      unwritten.set(own.userNid, ofUser);
      const key = `${own.roomNid} ${own.thread}`;
      if (!ofUser.has(key)) size += 1;
      ofUser.set(key, own);
      if (size > MAX_UNWRITTEN) await flush();
    },
    loadReadMarks: async (userNid, roomNids) => {
      // What is in memory is looked at first: it is in the database before it leaves it.
      const own = [...(unwritten.get(userNid)?.values() ?? [])].filter(({ roomNid }) => roomNids.includes(roomNid));
      const marks = new Map<string, ReadMark>();
      for (const mark of [...(await listReadMarks(database.sql, userNid, roomNids)), ...own]) {
        const key = `${mark.roomNid} ${mark.thread}`;
        if ((marks.get(key)?.position ?? -1) < mark.position) marks.set(key, mark);
      }
      return [...marks.values()];
    },
  };
}
