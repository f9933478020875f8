import type { Sql } from './database.ts';
import { type EventRow, eventColumns, type StoredEvent, toStoredEvent } from './events.ts';

/** An event a user was notified of, and the thread it counts in. */
export type NotifiedEvent = { event: StoredEvent; thread: string; highlight: boolean };

type Row = EventRow & { thread: string; highlight: boolean };

/** What was noted for a user alone and notified them, before a position, newest first. */
export async function listNotedEvents(
  sql: Sql,
  { userNid, before, limit, highlightsOnly }: { userNid: number; before: number; limit: number; highlightsOnly: boolean },
): Promise<NotifiedEvent[]> {
  const which = highlightsOnly ? sql`and n.highlight` : sql`and n.delta >= 0`;
  const rows = await sql<Row[]>`
    select n.thread, n.highlight, e.* from notifications n
    join   lateral (select ${eventColumns(sql)} from events where event_nid = n.event_nid) e on true
    where  n.user_nid = ${userNid} and n.position < ${before} ${which}
    order  by n.position desc
    limit  ${limit}`;
  return rows.map(toNotified);
}

/**
 * Events of these types in the rooms a user is joined to, by others, from a time when the room's count counted for the user and nothing was
 * noted for them alone, before a position, newest first.
 */
export async function listCountedEvents(
  sql: Sql,
  { userNid, before, limit, types }: { userNid: number; before: number; limit: number; types: readonly string[] },
): Promise<NotifiedEvent[]> {
  const rows = await sql<Row[]>`
    select coalesce(a.thread, 'main') as thread, false as highlight, e.*
    from   memberships m
    cross  join lateral (
      select ${eventColumns(sql)} from events
      where  room_nid = m.room_nid and position > m.position and position < ${before} and type = any(${[...types]}::text[])
      and    sender_nid <> ${userNid} and redacted_by is null
      order  by position desc limit ${limit}
    ) e
    left   join counted_apart a on a.room_nid = m.room_nid and a.position = e.position
    where  m.user_nid = ${userNid} and m.membership = 2
    and    not exists (select 1 from notifications n where n.user_nid = ${userNid} and n.room_nid = m.room_nid and n.position = e.position)
    and    coalesce((
             select counts from notify_modes o
             where  o.user_nid = ${userNid} and o.room_nid = m.room_nid and o.position < e.position order by o.position desc limit 1
           ), true)
    order  by e.position desc
    limit  ${limit}`;
  return rows.map(toNotified);
}

function toNotified({ thread, highlight, ...row }: Row): NotifiedEvent {
  return { event: toStoredEvent(row), thread, highlight };
}
