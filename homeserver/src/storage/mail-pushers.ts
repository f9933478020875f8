import type { Sql } from './database.ts';

/** A pusher that writes to an address. `pauseMs` is how long after the last mail the next one waits. */
export type MailPusher = { pusherId: number; userNid: number; address: string; unsubscribeToken: string; pauseMs: number };

/** Makes a pusher one that writes mail; one that is so already keeps its token. */
export async function insertMailPusher(
  sql: Sql,
  { userNid, appId, pushkey, unsubscribeToken }: { userNid: number; appId: string; pushkey: string; unsubscribeToken: string },
): Promise<void> {
  await sql`
    insert into mail_pushers (pusher_id, unsubscribe_token)
    select pusher_id, ${unsubscribeToken} from pushers where user_nid = ${userNid} and app_id = ${appId} and pushkey = ${pushkey}
    on conflict do nothing`;
}

export async function hasMailPushers(sql: Sql): Promise<boolean> {
  const rows = await sql`select 1 from mail_pushers limit 1`;
  return rows.length > 0;
}

/** Removes those whose address is their person's no longer; gives whose they were. */
export async function deleteMailPushersWithoutAddress(sql: Sql): Promise<number[]> {
  const rows = await sql<{ userNid: number }[]>`
    delete from pushers p
    using  mail_pushers m
    where  m.pusher_id = p.pusher_id
    and    not exists (select from threepids t where t.medium = 'email' and t.address = p.pushkey and t.user_nid = p.user_nid)
    returning p.user_nid as "userNid"`;
  return rows.map((row) => row.userNid);
}

/** Those for whom something has waited since before `queuedBefore`, and whose last mail was long enough ago. */
export async function listDueMailPushers(
  sql: Sql,
  { queuedBefore, now, limit }: { queuedBefore: number; now: number; limit: number },
): Promise<MailPusher[]> {
  return await sql<MailPusher[]>`
    select p.pusher_id as "pusherId", p.user_nid as "userNid", p.pushkey as address, m.unsubscribe_token as "unsubscribeToken",
           m.pause_ms as "pauseMs"
    from   mail_pushers m join pushers p using (pusher_id)
    where  p.is_enabled and coalesce(m.sent_at + m.pause_ms, 0) <= ${now}
    and    exists (select from push_outbox o where o.pusher_id = p.pusher_id and o.queued_at <= ${queuedBefore})
    order  by coalesce(m.sent_at, 0), p.pusher_id
    limit  ${limit}`;
}

export async function updateMailPause(
  sql: Sql,
  { pusherId, sentAt, pauseMs }: { pusherId: number; sentAt?: number; pauseMs: number },
): Promise<void> {
  await sql`update mail_pushers set sent_at = coalesce(${sentAt ?? null}, sent_at), pause_ms = ${pauseMs} where pusher_id = ${pusherId}`;
}

/** Ends the pusher that this token ends; gives whose it was. */
export async function deletePusherByToken(sql: Sql, unsubscribeToken: string): Promise<number | undefined> {
  const [row] = await sql<{ userNid: number }[]>`
    delete from pushers p
    using  mail_pushers m
    where  m.pusher_id = p.pusher_id and m.unsubscribe_token = ${unsubscribeToken}
    returning p.user_nid as "userNid"`;
  return row?.userNid;
}
