import type { Sql } from './database.ts';
import { type EventRow, eventColumns, kindNumber, type StoredEvent, toStoredEvent } from './events.ts';

/** The newest backfilled events of a room, below a place in its own order, before which the state is not known. */
export async function listStatelessHistory(
  sql: Sql,
  roomNid: number,
  { below, limit }: { below: number; limit: number },
): Promise<StoredEvent[]> {
  const rows = await sql<EventRow[]>`
    select ${eventColumns(sql)} from events
    where  room_nid = ${roomNid} and kind < 2 and position is null and base_pos is null and base_snapshot is null and topological < ${below}
    order  by topological desc, event_nid desc
    limit  ${limit}`;
  return rows.map(toStoredEvent);
}

/** Notes on what the states before backfilled events are laid, and which of the events are rejected. */
export async function settleHistory(sql: Sql, events: readonly StoredEvent[]): Promise<void> {
  if (events.length === 0) return;
  await sql`
    update events e set kind = a.kind, base_pos = a.base_pos, base_snapshot = a.base_snapshot, reason = coalesce(a.reason, e.reason)
    from   unnest(${events.map((event) => event.eventNid)}::bigint[], ${events.map((event) => kindNumber(event.kind))}::smallint[],
                  ${events.map((event) => event.basePos)}::bigint[], ${events.map((event) => event.baseSnapshot)}::bigint[],
                  ${events.map((event) => event.reason)}::text[]) as a(event_nid, kind, base_pos, base_snapshot, reason)
    where  e.event_nid = a.event_nid and e.kind = 1`;
}
