import type { Sql } from './database.ts';

export type StagedPdu = { stagedNid: number; origin: string; roomId: string; eventId: string; attempts: number; json: string };

/** The answer that a transaction got. */
export async function findTransactionAnswer(sql: Sql, origin: string, txnId: string): Promise<string | undefined> {
  const [row] = await sql<{ answer: string }[]>`
    select answer from federation_transactions where origin = ${origin} and txn_id = ${txnId}`;
  return row?.answer;
}

export async function insertTransaction(
  sql: Sql,
  transaction: { origin: string; txnId: string; receivedAt: number; answer: string },
): Promise<void> {
  const { origin, txnId, receivedAt, answer } = transaction;
  await sql`
    insert into federation_transactions (origin, txn_id, received_at, answer)
    values (${origin}, ${txnId}, ${receivedAt}, ${answer})
    on conflict (origin, txn_id) do nothing`;
}

export async function deleteTransactionsBefore(sql: Sql, receivedAt: number): Promise<void> {
  await sql`delete from federation_transactions where received_at < ${receivedAt}`;
}

/** Puts received events down before they are processed. One that is waiting already is left alone. */
export async function stagePdus(
  sql: Sql,
  origin: string,
  pdus: readonly { roomId: string; eventId: string; json: string }[],
): Promise<void> {
  if (pdus.length === 0) return;
  await sql`
    insert into federation_staged (origin, room_id, event_id, json)
    select ${origin}, * from unnest(${pdus.map((pdu) => pdu.roomId)}::text[], ${pdus.map((pdu) => pdu.eventId)}::text[],
                                    ${pdus.map((pdu) => pdu.json)}::text[])
    on conflict (origin, event_id) do nothing`;
}

/**
 * What waits for a room and may be tried now (ms), in the order it came; what some servers sent is left out. What is to be tried after
 * `latest` was put off by a clock that has been set back since.
 */
export async function listStaged(
  sql: Sql,
  roomId: string,
  { now, latest, limit, exceptOrigins }: { now: number; latest: number; limit: number; exceptOrigins: readonly string[] },
): Promise<StagedPdu[]> {
  return await sql<StagedPdu[]>`
    select staged_nid as "stagedNid", origin, room_id as "roomId", event_id as "eventId", attempts, json
    from   federation_staged
    where  room_id = ${roomId} and (retry_at <= ${now} or retry_at > ${latest}) and origin <> all(${[...exceptOrigins]}::text[])
    order  by staged_nid
    limit  ${limit}`;
}

/** Whether more than so many events of a server wait to be processed. */
export async function hasStagedMoreThan(sql: Sql, origin: string, most: number): Promise<boolean> {
  const rows = await sql`select 1 from federation_staged where origin = ${origin} offset ${most} limit 1`;
  return rows.length > 0;
}

export async function listStagedRooms(sql: Sql): Promise<string[]> {
  const rows = await sql<{ roomId: string }[]>`select distinct room_id as "roomId" from federation_staged`;
  return rows.map((row) => row.roomId);
}

export async function deleteStaged(sql: Sql, stagedNids: readonly number[]): Promise<void> {
  if (stagedNids.length > 0) await sql`delete from federation_staged where staged_nid = any(${[...stagedNids]}::bigint[])`;
}

/** When the next of a room's events that wait is to be tried; undefined when none waits. What some servers sent is left out. */
export async function findNextRetry(sql: Sql, roomId: string, exceptOrigins: readonly string[]): Promise<number | undefined> {
  const [row] = await sql<{ retryAt: number | null }[]>`
    select min(retry_at) as "retryAt" from federation_staged
    where  room_id = ${roomId} and origin <> all(${[...exceptOrigins]}::text[])`;
  return row?.retryAt ?? undefined;
}

export async function postponeStaged(sql: Sql, stagedNid: number, retryAt: number): Promise<void> {
  await sql`update federation_staged set attempts = attempts + 1, retry_at = ${retryAt} where staged_nid = ${stagedNid}`;
}

/** How many received events are still to be processed. */
export async function countStaged(sql: Sql): Promise<number> {
  const [row] = await sql<{ events: number }[]>`select count(*)::int as events from federation_staged`;
  return row?.events ?? 0;
}
