import type { Sql } from './database.ts';

type Thread = { userNid: number; roomNid: number; rootId: string };
export type ThreadSubscription = { isSubscribed: boolean; isAutomatic: boolean; position: number };
export type ThreadSubscriptionChange = ThreadSubscription & { roomId: string; rootId: string };

export async function findThreadSubscription(sql: Sql, { userNid, roomNid, rootId }: Thread): Promise<ThreadSubscription | undefined> {
  const [row] = await sql<ThreadSubscription[]>`
    select is_subscribed as "isSubscribed", is_automatic as "isAutomatic", position
    from   thread_subscriptions
    where  user_nid = ${userNid} and room_nid = ${roomNid} and root_id = ${rootId}`;
  return row;
}

/** Those among the users who follow a thread. */
export async function listThreadFollowers(
  sql: Sql,
  { roomNid, rootId, userNids }: { roomNid: number; rootId: string; userNids: readonly number[] },
): Promise<number[]> {
  if (userNids.length === 0) return [];
  const rows = await sql<{ userNid: number }[]>`
    select user_nid as "userNid" from thread_subscriptions
    where  user_nid = any(${[...userNids]}::bigint[]) and room_nid = ${roomNid} and root_id = ${rootId} and is_subscribed`;
  return rows.map((row) => row.userNid);
}

export async function upsertThreadSubscription(sql: Sql, thread: Thread & ThreadSubscription): Promise<void> {
  const { userNid, roomNid, rootId, isSubscribed, isAutomatic, position } = thread;
  await sql`
    insert into thread_subscriptions (user_nid, room_nid, root_id, is_subscribed, is_automatic, position)
    values (${userNid}, ${roomNid}, ${rootId}, ${isSubscribed}, ${isAutomatic}, ${position})
    on conflict (user_nid, room_nid, root_id) do update
    set    is_subscribed = excluded.is_subscribed, is_automatic = excluded.is_automatic, position = excluded.position`;
}

export async function countThreadSubscriptions(sql: Sql, userNid: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*) as count from thread_subscriptions where user_nid = ${userNid}`;
  return row?.count ?? 0;
}

/** What changed in (after, upTo], the newest first. */
export async function listThreadSubscriptionChanges(
  sql: Sql,
  userNid: number,
  { after, upTo, limit }: { after: number; upTo: number; limit: number },
): Promise<ThreadSubscriptionChange[]> {
  return await sql<ThreadSubscriptionChange[]>`
    select r.room_id as "roomId", t.root_id as "rootId", t.is_subscribed as "isSubscribed", t.is_automatic as "isAutomatic", t.position
    from   thread_subscriptions t join rooms r using (room_nid)
    where  t.user_nid = ${userNid} and t.position > ${after} and t.position <= ${upTo}
    order  by t.position desc
    limit  ${limit}`;
}
