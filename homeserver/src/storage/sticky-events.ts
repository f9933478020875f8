import type { Sql } from './database.ts';
import { type EventRow, eventColumns, kindNumber, type StoredEvent, toStoredEvent } from './events.ts';

/** What was taken out of a room again is shown to nobody. */
const REJECTED = kindNumber('rejected');

/** An event with the place from which on it is shown, and when that ends. */
export type StickyEvent = { event: StoredEvent; position: number; expiresAt: number };
type Sticky = { eventNid: number; expiresAt: number; now: number };

/** Marks an event, where it stands in the log, and forgets those whose time is over. */
export async function insertStickyEvent(sql: Sql, { eventNid, expiresAt, now }: Sticky): Promise<void> {
  await sql`
    with old as (delete from sticky_events where expires_at <= ${now})
    insert into sticky_events (event_nid, room_nid, position, expires_at)
    select event_nid, room_nid, position, ${expiresAt} from events where event_nid = ${eventNid}
    on conflict do nothing`;
}

/** From a place in the log on, a marked event is shown that was not before. */
export async function showStickyEvent(sql: Sql, eventNid: number, position: number): Promise<void> {
  await sql`update sticky_events set position = ${position} where event_nid = ${eventNid} and position is null`;
}

/** The marked events of each room in (after, upTo] whose time is not over, in the order of the log; redacted ones are none any more. */
export async function listStickyEvents(
  sql: Sql,
  rooms: readonly { roomNid: number; after: number }[],
  { upTo, now, limit }: { upTo: number; now: number; limit: number },
): Promise<StickyEvent[]> {
  if (rooms.length === 0) return [];
  const rows = await sql<(EventRow & { shownAt: number; expiresAt: number })[]>`
    select e.*, s.position as "shownAt", s.expires_at as "expiresAt"
    from   unnest(${rooms.map((room) => room.roomNid)}::bigint[], ${rooms.map((room) => room.after)}::bigint[]) as a(room_nid, after)
    join   sticky_events s on s.room_nid = a.room_nid and s.position > a.after and s.position <= ${upTo} and s.expires_at > ${now}
    cross join lateral (select ${eventColumns(sql)} from events where events.event_nid = s.event_nid and redacted_by is null and kind <> ${REJECTED}) e
    order  by s.position
    limit  ${limit}`;
  return rows.map(({ shownAt, expiresAt, ...row }) => ({ event: toStoredEvent(row), position: shownAt, expiresAt }));
}

/** The events of users of this server whose time is not over, the oldest first. */
export async function listOwnStickyNids(sql: Sql, roomNid: number, now: number): Promise<number[]> {
  const rows = await sql<{ eventNid: number }[]>`
    select s.event_nid as "eventNid"
    from   sticky_events s join events e using (event_nid) join users u on u.user_nid = e.sender_nid
    where  s.room_nid = ${roomNid} and s.position is not null and s.expires_at > ${now} and e.redacted_by is null and u.is_local
    order  by s.position`;
  return rows.map((row) => row.eventNid);
}

/** What waits in a room for its sender to be allowed to send it. */
export async function listHiddenSticky(sql: Sql, roomNid: number, now: number): Promise<StoredEvent[]> {
  const rows = await sql<EventRow[]>`
    select ${eventColumns(sql)} from events
    where  event_nid in (select event_nid from sticky_events where room_nid = ${roomNid} and position is null and expires_at > ${now})`;
  return rows.map(toStoredEvent);
}

/** The rooms in which something is shown, or waits to be. */
export async function listStickyRooms(sql: Sql, now: number): Promise<{ roomNid: number; isHidden: boolean }[]> {
  return await sql<{ roomNid: number; isHidden: boolean }[]>`
    select room_nid as "roomNid", bool_or(position is null) as "isHidden" from sticky_events where expires_at > ${now} group by room_nid`;
}
