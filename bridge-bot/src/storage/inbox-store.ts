import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';

/** Something that a sender was promised would be posted. `messages` is JSON. */
export type Post = { postId: number; hookId: string; roomId: string; messages: string };
export type NewPost = { hookId: string; roomId: string; deliveryId: string | undefined; messages: string; receivedAtMs: number };

/** The message that later ones of the same key replace. */
export type Thread = { eventId: string; contentHash: string; isFinal: boolean };

/** What came in by webhooks, on disk before its sender is answered. */
export type InboxStore = {
  /** Nothing when a delivery of this id came before. */
  add(post: NewPost): number | undefined;
  /** What is not posted yet, oldest first. */
  listWaiting(limit: number): Post[];
  countWaiting(hookId: string): number;
  markPosted(postId: number, nowMs: number): void;
  findThread(hookId: string, threadKey: string): Thread | undefined;
  putThread(hookId: string, threadKey: string, thread: Thread, nowMs: number): void;
  /** Forgets what was posted, and threads that nobody wrote to, before the times. */
  prune(before: { postedMs: number; threadMs: number }): void;
};

export function createInboxStore(sql: DatabaseSync): InboxStore {
  const add = sql.prepare(`
    insert into hook_inbox (hook_id, room_id, delivery_id, messages, received_at_ms) values (?, ?, ?, ?, ?)
    on conflict do nothing returning post_id`);
  const listWaiting = sql.prepare('select * from hook_inbox where posted_at_ms is null order by post_id limit ?');
  const countWaiting = sql.prepare('select count(*) as waiting from hook_inbox where posted_at_ms is null and hook_id = ?');
  const markPosted = sql.prepare('update hook_inbox set posted_at_ms = ? where post_id = ?');
  const findThread = sql.prepare('select * from hook_threads where hook_id = ? and thread_key = ?');
  const putThread = sql.prepare('insert or replace into hook_threads values (?, ?, ?, ?, ?, ?)');
  const prunePosts = sql.prepare('delete from hook_inbox where posted_at_ms < ?');
  const pruneThreads = sql.prepare('delete from hook_threads where updated_at_ms < ?');
  return {
    add({ hookId, roomId, deliveryId, messages, receivedAtMs }) {
      const row = add.get(hookId, roomId, deliveryId ?? null, messages, receivedAtMs);
      return row === undefined ? undefined : Number(row['post_id']);
    },
    listWaiting: (limit) => listWaiting.all(limit).map(toPost),
    countWaiting: (hookId) => Number(countWaiting.get(hookId)?.['waiting']),
    markPosted: (postId, nowMs) => void markPosted.run(nowMs, postId),
    findThread(hookId, threadKey) {
      const row = findThread.get(hookId, threadKey);
      if (row === undefined) return undefined;
      return { eventId: String(row['event_id']), contentHash: String(row['content_hash']), isFinal: row['is_final'] === 1 };
    },
    putThread(hookId, threadKey, { eventId, contentHash, isFinal }, nowMs) {
      putThread.run(hookId, threadKey, eventId, contentHash, isFinal ? 1 : 0, nowMs);
    },
    prune({ postedMs, threadMs }) {
      prunePosts.run(postedMs);
      pruneThreads.run(threadMs);
    },
  };
}

function toPost(row: Record<string, SQLOutputValue>): Post {
  return {
    postId: Number(row['post_id']),
    hookId: String(row['hook_id']),
    roomId: String(row['room_id']),
    messages: String(row['messages']),
  };
}
