import type { Sql } from './database.ts';

export type Deviation = {
  userNid: number;
  roomNid: number;
  position: number;
  eventNid: number;
  thread: string;
  delta: number;
  highlight: boolean;
};

/** Notes what an event meant to people beyond the room's count. Those already noted are left alone. */
export async function insertDeviations(sql: Sql, rows: readonly Deviation[], notedAt: number): Promise<void> {
  await sql`
    insert into notifications (user_nid, room_nid, position, event_nid, thread, delta, highlight, noted_at)
    select n.user_nid, n.room_nid, n.position, n.event_nid, n.thread, n.delta, n.highlight = 1, ${notedAt} from unnest(
      ${rows.map((row) => row.userNid)}::bigint[], ${rows.map((row) => row.roomNid)}::bigint[], ${rows.map((row) => row.position)}::bigint[],
      ${rows.map((row) => row.eventNid)}::bigint[], ${rows.map((row) => row.thread)}::text[], ${rows.map((row) => row.delta)}::smallint[],
      ${rows.map((row) => Number(row.highlight))}::smallint[]) as n(user_nid, room_nid, position, event_nid, thread, delta, highlight)
    on conflict do nothing`;
}

/** The rooms in which something was noted for a user in (after, upTo]. */
export async function listRoomsNoted(sql: Sql, userNid: number, { after, upTo }: { after: number; upTo: number }): Promise<number[]> {
  const rows = await sql<{ roomNid: number }[]>`
    select distinct room_nid as "roomNid" from notifications where user_nid = ${userNid} and noted_at > ${after} and noted_at <= ${upTo}`;
  return rows.map((row) => row.roomNid);
}

/** Notes counted events that belong to threads. */
export async function insertCountedApart(sql: Sql, rows: readonly { roomNid: number; position: number; thread: string }[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into counted_apart (room_nid, position, thread)
    select * from unnest(${rows.map((row) => row.roomNid)}::bigint[], ${rows.map((row) => row.position)}::bigint[], ${rows.map((row) => row.thread)}::text[])
    on conflict do nothing`;
}

/** A redacted event counts for nobody any more. */
export async function forgetNotification(
  sql: Sql,
  { roomNid, position, isCounted }: { roomNid: number; position: number; isCounted: boolean },
): Promise<void> {
  await sql`delete from notifications where room_nid = ${roomNid} and position = ${position}`;
  if (!isCounted) return;
  await sql`
    insert into counted_apart (room_nid, position, thread) values (${roomNid}, ${position}, '')
    on conflict (room_nid, position) do update set thread = ''`;
}

export type Mode = { userNid: number; roomNid: number; position: number; notifySeq: number; counts: boolean };

export async function insertModes(sql: Sql, rows: readonly Mode[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into notify_modes (user_nid, room_nid, position, notify_seq, counts)
    select n.user_nid, n.room_nid, n.position, n.notify_seq, n.counts = 1 from unnest(
      ${rows.map((row) => row.userNid)}::bigint[], ${rows.map((row) => row.roomNid)}::bigint[], ${rows.map((row) => row.position)}::bigint[],
      ${rows.map((row) => row.notifySeq)}::bigint[], ${rows.map((row) => Number(row.counts))}::smallint[]) as n(user_nid, room_nid, position, notify_seq, counts)
    on conflict (user_nid, room_nid, position) do update set counts = excluded.counts, notify_seq = excluded.notify_seq`;
}

/** The modes of a user in rooms, oldest first. */
export async function listModes(sql: Sql, userNid: number, roomNids: readonly number[]): Promise<Mode[]> {
  return await sql<Mode[]>`
    select user_nid as "userNid", room_nid as "roomNid", position, notify_seq as "notifySeq", counts
    from   notify_modes
    where  user_nid = ${userNid} and room_nid = any(${[...roomNids]}::bigint[])
    order  by room_nid, position`;
}

/** How many events the room had counted just before a position. */
export async function loadNotifySeqBefore(sql: Sql, roomNid: number, position: number): Promise<number> {
  const [row] = await sql<{ notifySeq: number }[]>`
    select notify_seq as "notifySeq" from events where room_nid = ${roomNid} and position < ${position} order by position desc limit 1`;
  return row?.notifySeq ?? 0;
}

/** Those among the users who have changed their push rules. */
export async function listUsersWithPushRules(sql: Sql, userNids: readonly number[]): Promise<number[]> {
  const rows = await sql<{ userNid: number }[]>`
    select user_nid as "userNid" from account_data
    where  user_nid = any(${[...userNids]}::bigint[]) and room_nid = 0 and type = 'm.push_rules'`;
  return rows.map((row) => row.userNid);
}

/** Where people stand by their own events, beside their receipts. Only the newest of a room and thread is kept, and none of a room that is gone. */
export async function upsertOwnEvents(
  sql: Sql,
  rows: readonly { roomNid: number; userNid: number; thread: string; eventNid: number; position: number; notifySeq: number }[],
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into receipts (room_nid, user_nid, kind, thread, event_nid, event_position, notify_seq, ts, position)
    select n.room_nid, n.user_nid, 4, n.thread, n.event_nid, n.position, n.notify_seq, 0, 0
    from   unnest(
      ${rows.map((row) => row.roomNid)}::bigint[], ${rows.map((row) => row.userNid)}::bigint[], ${rows.map((row) => row.thread)}::text[],
      ${rows.map((row) => row.eventNid)}::bigint[], ${rows.map((row) => row.position)}::bigint[], ${rows.map((row) => row.notifySeq)}::bigint[]
    ) as n(room_nid, user_nid, thread, event_nid, position, notify_seq)
    join   rooms r on r.room_nid = n.room_nid and r.heads is not null
    on conflict (room_nid, user_nid, kind, thread) do update
      set event_nid = excluded.event_nid, event_position = excluded.event_position, notify_seq = excluded.notify_seq
      where receipts.event_position < excluded.event_position`;
}
