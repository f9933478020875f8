import type { Sql } from './database.ts';

/** How far a user has read: of all of a room (`thread` empty), of its main timeline, or of a thread. */
export type ReadMark = { roomNid: number; thread: string; position: number; notifySeq: number };

/** The furthest of a user's receipts and own events, by room and thread. */
export async function listReadMarks(sql: Sql, userNid: number, roomNids: readonly number[]): Promise<ReadMark[]> {
  return await sql<ReadMark[]>`
    select distinct on (room_nid, thread) room_nid as "roomNid", thread, event_position as position, notify_seq as "notifySeq"
    from   receipts
    where  room_nid = any(${[...roomNids]}::bigint[]) and user_nid = ${userNid} and kind in (1, 2, 4)
    order  by room_nid, thread, event_position desc`;
}

/** How many events each room has counted. */
export async function listNotifySeqs(sql: Sql, roomNids: readonly number[]): Promise<{ roomNid: number; notifySeq: number }[]> {
  return await sql<{ roomNid: number; notifySeq: number }[]>`
    select room_nid as "roomNid", notify_seq as "notifySeq" from rooms where room_nid = any(${[...roomNids]}::bigint[])`;
}

/** A stretch of a room's log, (after, upTo], in which what the room counts counts for a user. */
export type Stretch = { roomNid: number; after: number; upTo: number };

/** By thread: counted events that are not of the main timeline. Those of threads after their own marks, and all after that of the main timeline. */
export type ApartRow = { roomNid: number; thread: string; afterMain: number; afterThread: number };

/** `marks` has one for each room's main timeline, and those of threads. All marks are at or past that for all of the room. */
export async function listCountedApart(sql: Sql, stretches: readonly Stretch[], marks: readonly ReadMark[]): Promise<ApartRow[]> {
  if (stretches.length === 0) return [];
  return await sql<ApartRow[]>`
    select a.room_nid as "roomNid", a.thread,
           count(*) filter (where a.position > coalesce(main.position, 0)) as "afterMain",
           count(*) filter (where a.position > coalesce(own.position, 0)) as "afterThread"
    from   unnest(${stretches.map((row) => row.roomNid)}::bigint[], ${stretches.map((row) => row.after)}::bigint[],
                  ${stretches.map((row) => String(row.upTo))}::bigint[]) as s(room_nid, after, up_to)
    join   counted_apart a on a.room_nid = s.room_nid and a.position > s.after and a.position <= s.up_to
    left   join ${marksTable(sql, marks)} as main(room_nid, thread, position) on main.room_nid = a.room_nid and main.thread = 'main'
    left   join ${marksTable(sql, marks)} as own(room_nid, thread, position) on own.room_nid = a.room_nid and own.thread = a.thread
    group  by 1, 2`;
}

export type DeviationSum = { roomNid: number; thread: string; delta: number; highlights: number };

/** By thread: what was noted for a user after their marks. `bases` says how far all of each room was read. */
export async function listDeviationSums(
  sql: Sql,
  userNid: number,
  bases: readonly { roomNid: number; position: number }[],
  marks: readonly ReadMark[],
): Promise<DeviationSum[]> {
  return await sql<DeviationSum[]>`
    select n.room_nid as "roomNid", n.thread, sum(n.delta)::bigint as delta, count(*) filter (where n.highlight) as highlights
    from   unnest(${bases.map((row) => row.roomNid)}::bigint[], ${bases.map((row) => row.position)}::bigint[]) as b(room_nid, position)
    join   notifications n on n.user_nid = ${userNid} and n.room_nid = b.room_nid and n.position > b.position
    left   join ${marksTable(sql, marks)} as m(room_nid, thread, position) on m.room_nid = n.room_nid and m.thread = n.thread
    where  n.position > coalesce(m.position, 0)
    group  by 1, 2`;
}

function marksTable(sql: Sql, marks: readonly ReadMark[]) {
  return sql`unnest(${marks.map((mark) => mark.roomNid)}::bigint[], ${marks.map((mark) => mark.thread)}::text[],
                    ${marks.map((mark) => mark.position)}::bigint[])`;
}
