import type { Sql } from './database.ts';

export type ReceiptKind = 'read' | 'private' | 'delivered' | 'own';

const KINDS: readonly (ReceiptKind | undefined)[] = [undefined, 'read', 'private', 'delivered', 'own'];

/** How far one person has come. `thread` is empty for all of the room. */
export type ReceiptRow = {
  roomNid: number;
  userNid: number;
  kind: ReceiptKind;
  thread: string;
  eventNid: number;
  /** The event's position in the log; 0 for events without one. */
  eventPosition: number;
  notifySeq: number;
  ts: number;
};

/** A receipt as it is told, with the ids behind the numbers. */
export type ToldReceipt = { roomNid: number; kind: ReceiptKind; thread: string; eventId: string; userId: string; ts: number };

/**
 * Moves receipts forward; one that is not ahead of what is stored, or of a room that was purged meanwhile, changes nothing. `receipts` has
 * each (room, user, kind, thread) once.
 */
export async function upsertReceipts(sql: Sql, receipts: readonly ReceiptRow[], position: number): Promise<void> {
  if (receipts.length === 0) return;
  await sql`
    insert into receipts (room_nid, user_nid, kind, thread, event_nid, event_position, notify_seq, ts, position)
    select n.room_nid, n.user_nid, n.kind, n.thread, n.event_nid, n.event_position, n.notify_seq, n.ts, ${position}
    from   unnest(
      ${receipts.map((row) => row.roomNid)}::bigint[], ${receipts.map((row) => row.userNid)}::bigint[], ${receipts.map((row) => KINDS.indexOf(row.kind))}::smallint[],
      ${receipts.map((row) => row.thread)}::text[], ${receipts.map((row) => row.eventNid)}::bigint[],
      ${receipts.map((row) => row.eventPosition)}::bigint[], ${receipts.map((row) => row.notifySeq)}::bigint[],
      ${receipts.map((row) => row.ts)}::bigint[]
    ) as n(room_nid, user_nid, kind, thread, event_nid, event_position, notify_seq, ts)
    join   rooms r on r.room_nid = n.room_nid and r.heads is not null
    on conflict (room_nid, user_nid, kind, thread) do update
      set event_nid = excluded.event_nid, event_position = excluded.event_position, notify_seq = excluded.notify_seq,
          ts = excluded.ts, position = excluded.position
      where receipts.event_position < excluded.event_position or (receipts.event_position = 0 and excluded.event_position = 0)`;
}

/** Where a user stands in a room, by kind and thread. */
export async function listReceiptsOfUser(sql: Sql, roomNid: number, userNid: number): Promise<ReceiptRow[]> {
  const rows = await sql<(Omit<ReceiptRow, 'kind'> & { kind: number })[]>`
    select room_nid as "roomNid", user_nid as "userNid", kind, thread, event_nid as "eventNid", event_position as "eventPosition", notify_seq as "notifySeq", ts
    from   receipts
    where  room_nid = ${roomNid} and user_nid = ${userNid}`;
  return rows.map((row) => ({ ...row, kind: kindOf(row.kind) }));
}

/**
 * What moved in (after, upTo] in these rooms and is told to this user, oldest first: private receipts only to their owner, what was
 * delivered only to others.
 */
export async function listReceiptChanges(
  sql: Sql,
  { roomNids, userNid, after, upTo }: { roomNids: readonly number[]; userNid: number; after: number; upTo: number },
): Promise<ToldReceipt[]> {
  if (roomNids.length === 0) return [];
  const rows = await sql<(Omit<ToldReceipt, 'kind'> & { kind: number })[]>`
    select r.room_nid as "roomNid", r.kind, r.thread, e.event_id as "eventId", u.user_id as "userId", r.ts
    from   receipts r join users u using (user_nid) join events e using (event_nid)
    where  r.room_nid = any(${[...roomNids]}::bigint[]) and r.kind < 4 and r.position > ${after} and r.position <= ${upTo}
    and    (r.kind = 1 or (r.kind = 2) = (r.user_nid = ${userNid}))
    order  by r.position`;
  return rows.map((row) => ({ ...row, kind: kindOf(row.kind) }));
}

/** What is told of rooms that are new to a client: the newest receipts of each, at most `limit`, and all of the user's own. */
export async function listNewestReceipts(
  sql: Sql,
  { roomNids, userNid, upTo, limit }: { roomNids: readonly number[]; userNid: number; upTo: number; limit: number },
): Promise<ToldReceipt[]> {
  if (roomNids.length === 0) return [];
  const rows = await sql<(Omit<ToldReceipt, 'kind'> & { kind: number })[]>`
    select a.room_nid as "roomNid", r.kind, r.thread, e.event_id as "eventId", u.user_id as "userId", r.ts
    from   unnest(${[...roomNids]}::bigint[]) as a(room_nid)
    cross  join lateral (
      (select * from receipts where room_nid = a.room_nid and kind in (1, 3) and user_nid <> ${userNid} and position <= ${upTo}
       order by position desc limit ${limit})
      union all
      (select * from receipts where room_nid = a.room_nid and kind < 3 and user_nid = ${userNid} and position <= ${upTo})
    ) r
    join   users u on u.user_nid = r.user_nid join events e on e.event_nid = r.event_nid
    order  by r.position`;
  return rows.map((row) => ({ ...row, kind: kindOf(row.kind) }));
}

/** The rooms in which a user read something in (after, upTo], on whatever device. */
export async function listRoomsRead(sql: Sql, userNid: number, { after, upTo }: { after: number; upTo: number }): Promise<number[]> {
  const rows = await sql<{ roomNid: number }[]>`
    select distinct room_nid as "roomNid" from receipts
    where  user_nid = ${userNid} and kind < 3 and position > ${after} and position <= ${upTo}`;
  return rows.map((row) => row.roomNid);
}

function kindOf(number: number): ReceiptKind {
  const kind = KINDS[number];
  if (kind === undefined) throw new Error(`no kind of receipt is stored as ${number}`);
  return kind;
}

/** The newest message of someone else in one of a user's rooms, that none of the user's devices is known to have been handed. */
export type Undelivered = { roomNid: number; eventNid: number; eventId: string; eventPosition: number; notifySeq: number };

/** Of each of the user's rooms of at most `maxMembers` joined members: its newest message of someone else, if it was not yet handed over. */
export async function listUndelivered(sql: Sql, { userNid, maxMembers }: { userNid: number; maxMembers: number }): Promise<Undelivered[]> {
  return await sql<Undelivered[]>`
    select m.room_nid as "roomNid", e.event_nid as "eventNid", e.event_id as "eventId", e.position as "eventPosition",
           e.notify_seq as "notifySeq"
    from   memberships m
    cross  join lateral (
      select event_nid, event_id, position, notify_seq from events
      where  room_nid = m.room_nid and position > m.position and sender_nid <> ${userNid} and key_nid is null
      order  by position desc limit 1
    ) e
    left   join receipts d on d.room_nid = m.room_nid and d.user_nid = ${userNid} and d.kind = 3 and d.thread = ''
    where  m.user_nid = ${userNid} and m.membership = 2 and coalesce(d.event_position, 0) < e.position
    and    (select count(*) from (select 1 from memberships o where o.room_nid = m.room_nid and o.membership = 2 limit ${maxMembers + 1}) c) <= ${maxMembers}`;
}
