import type { AccountStatus } from './accounts.ts';
import type { Sql } from './database.ts';

export type DelayedEventRow = {
  delayId: string;
  userNid: number;
  userId: string;
  /** `suspended` and the like; null for those who have no account here, such as an application service's people. */
  accountStatus: AccountStatus | null;
  roomId: string;
  type: string;
  stateKey: string | null;
  /** JSON text. */
  content: string;
  originServerTs: number | null;
  stickyMs: number | null;
  delay: number;
  runningSince: number;
  finalisedAt: number | null;
  eventId: string | null;
  /** JSON text of a standard error response. */
  error: string | null;
};

export type NewDelayedEvent = Omit<DelayedEventRow, 'userId' | 'accountStatus' | 'finalisedAt' | 'eventId' | 'error'> & {
  deviceId: string | null;
  txnPath: string | null;
};

const columns = (sql: Sql) => sql`
  d.delay_id as "delayId", d.user_nid as "userNid", u.user_id as "userId", a.status as "accountStatus", d.room_id as "roomId", d.type, d.state_key as "stateKey",
  d.content, d.origin_server_ts as "originServerTs", d.sticky_ms as "stickyMs", d.delay, d.running_since as "runningSince", d.finalised_at as "finalisedAt",
  d.event_id as "eventId", d.error`;

/** Stores a waiting event. Gives the id it has: that of the earlier one, when the same transaction made one. */
export async function insertDelayedEvent(sql: Sql, row: NewDelayedEvent): Promise<string> {
  const [inserted] = await sql<{ delayId: string }[]>`
    with inserted as (
      insert into delayed_events (delay_id, user_nid, device_id, txn_path, room_id, type, state_key, content, origin_server_ts, sticky_ms, delay, running_since)
      values (${row.delayId}, ${row.userNid}, ${row.deviceId}, ${row.txnPath}, ${row.roomId}, ${row.type}, ${row.stateKey}, ${row.content},
              ${row.originServerTs}, ${row.stickyMs}, ${row.delay}, ${row.runningSince})
      on conflict (user_nid, device_id, txn_path) where txn_path is not null do nothing
      returning delay_id
    )
    select delay_id as "delayId" from inserted`;
  if (inserted !== undefined) return inserted.delayId;
  const earlier = await findDelayedTransaction(sql, row);
  if (earlier === undefined) throw new Error('a waiting event was neither stored nor there before');
  return earlier;
}

/** The event that a transaction made. */
export async function findDelayedTransaction(
  sql: Sql,
  { userNid, deviceId, txnPath }: Pick<NewDelayedEvent, 'userNid' | 'deviceId' | 'txnPath'>,
): Promise<string | undefined> {
  const [row] = await sql<{ delayId: string }[]>`
    select delay_id as "delayId" from delayed_events where user_nid = ${userNid} and device_id = ${deviceId} and txn_path = ${txnPath}`;
  return row?.delayId;
}

export async function findDelayedEvent(sql: Sql, delayId: string): Promise<DelayedEventRow | undefined> {
  const [row] = await sql<DelayedEventRow[]>`
    select ${columns(sql)} from delayed_events d join users u using (user_nid) left join accounts a using (user_nid) where d.delay_id = ${delayId}`;
  return row;
}

/** How many events of a person wait, and when the next of them is due. */
export async function countDelayedEvents(sql: Sql, userNid: number): Promise<{ count: number; nextAt: number }> {
  const [row] = await sql<{ count: number; nextAt: number | null }[]>`
    select count(*)::bigint as count, min(running_since + delay) as "nextAt" from delayed_events
    where  user_nid = ${userNid} and finalised_at is null`;
  return { count: row?.count ?? 0, nextAt: row?.nextAt ?? 0 };
}

/** The waiting events whose time has come, the first due first. */
export async function listDueDelayedEvents(sql: Sql, now: number, limit: number): Promise<DelayedEventRow[]> {
  return await sql<DelayedEventRow[]>`
    select ${columns(sql)} from delayed_events d join users u using (user_nid) left join accounts a using (user_nid)
    where  d.finalised_at is null and d.running_since + d.delay <= ${now}
    order  by d.running_since + d.delay, d.delay_id
    limit  ${limit}`;
}

/** When the next event is due; undefined when none waits. */
export async function findNextDueAt(sql: Sql): Promise<number | undefined> {
  const [row] = await sql<{ dueAt: number }[]>`
    select running_since + delay as "dueAt" from delayed_events where finalised_at is null order by running_since + delay limit 1`;
  return row?.dueAt;
}

export type DelayedFilter = {
  status?: 'scheduled' | 'finalised' | 'sent' | 'cancelled' | 'failed' | undefined;
  roomId?: string | undefined;
  type?: string | undefined;
  isBackwards: boolean;
  /** Those after this one, in the order that is wanted. */
  after?: { sendAt: number; delayId: string } | undefined;
};

/** Events of a person, in the order of when they are or were due. */
export async function listDelayedEvents(sql: Sql, userNid: number, filter: DelayedFilter, limit: number): Promise<DelayedEventRow[]> {
  const { status, roomId, type, isBackwards, after } = filter;
  return await sql<DelayedEventRow[]>`
    select ${columns(sql)} from delayed_events d join users u using (user_nid) left join accounts a using (user_nid)
    where  d.user_nid = ${userNid}
    ${status === undefined || status === 'scheduled' ? sql`and d.finalised_at is null` : sql`and d.finalised_at is not null`}
    ${status === 'sent' ? sql`and d.event_id is not null` : sql``}
    ${status === 'failed' ? sql`and d.error is not null` : sql``}
    ${status === 'cancelled' ? sql`and d.event_id is null and d.error is null` : sql``}
    ${roomId === undefined ? sql`` : sql`and d.room_id = ${roomId}`}
    ${type === undefined ? sql`` : sql`and d.type = ${type}`}
    ${after === undefined ? sql`` : isBackwards ? sql`and (d.running_since + d.delay, d.delay_id) < (${after.sendAt}, ${after.delayId})` : sql`and (d.running_since + d.delay, d.delay_id) > (${after.sendAt}, ${after.delayId})`}
    ${isBackwards ? sql`order by d.running_since + d.delay desc, d.delay_id desc` : sql`order by d.running_since + d.delay, d.delay_id`}
    limit  ${limit}`;
}

export async function restartDelayedEvent(sql: Sql, delayId: string, now: number): Promise<void> {
  await sql`update delayed_events set running_since = ${now} where delay_id = ${delayId} and finalised_at is null`;
}

export async function finaliseDelayedEvent(
  sql: Sql,
  delayId: string,
  { at, eventId, error }: { at: number; eventId?: string; error?: string },
): Promise<void> {
  await sql`
    update delayed_events set finalised_at = ${at}, event_id = ${eventId ?? null}, error = ${error ?? null}
    where  delay_id = ${delayId} and finalised_at is null`;
}

/** Forgets what became of events: of old ones, and of all but the newest of each person. */
export async function pruneDelayedEvents(sql: Sql, { before, keep }: { before: number; keep: number }): Promise<void> {
  await sql`
    delete from delayed_events where delay_id in (
      select delay_id from (
        select delay_id, finalised_at, row_number() over (partition by user_nid order by finalised_at desc) as place
        from   delayed_events where finalised_at is not null
      ) as finalised
      where finalised_at < ${before} or place > ${keep})`;
}
