import type { Sql } from './database.ts';
import { type EventRow, eventColumns, type StoredEvent, toStoredEvent } from './events.ts';

/** A place between events in a room's own order: just after this event. */
export type Place = { topological: number; eventNid: number };

/** A stretch of a room's own order, from a place on, at most `limit`; of positions in (after, upTo], where given. */
export type EventRange = {
  roomNid: number;
  from: Place;
  to?: Place | undefined;
  after?: number | undefined;
  upTo?: number | undefined;
  direction: 'backwards' | 'forwards';
  limit: number;
};

/** The conditions and the order by which `events` is read for a stretch. */
export function eventRange(sql: Sql, { roomNid, from, to, after, upTo, direction, limit }: EventRange) {
  const isBackwards = direction === 'backwards';
  const start = isBackwards
    ? sql`(topological, event_nid) <= (${from.topological}, ${from.eventNid})`
    : sql`(topological, event_nid) > (${from.topological}, ${from.eventNid})`;
  const end =
    to === undefined
      ? sql``
      : isBackwards
        ? sql`and (topological, event_nid) > (${to.topological}, ${to.eventNid})`
        : sql`and (topological, event_nid) <= (${to.topological}, ${to.eventNid})`;
  const later = after === undefined ? sql`` : sql`and position > ${after}`;
  const earlier = upTo === undefined ? sql`` : sql`and (position is null or position <= ${upTo})`;
  return {
    where: sql`room_nid = ${roomNid} and kind < 2 and ${start} ${end} ${later} ${earlier}`,
    order: sql`${isBackwards ? sql`order by topological desc, event_nid desc` : sql`order by topological, event_nid`} limit ${limit}`,
  };
}

/** Timeline and backfilled events in the room's own order. */
export async function listEventsFrom(sql: Sql, range: EventRange): Promise<StoredEvent[]> {
  const { where, order } = eventRange(sql, range);
  const rows = await sql<EventRow[]>`select ${eventColumns(sql)} from events where ${where} ${order}`;
  return rows.map(toStoredEvent);
}

/** The last place, in the room's own order, among the events that were in the log at a position. */
export async function findPlaceAt(sql: Sql, roomNid: number, position: number): Promise<Place | undefined> {
  const [row] = await sql<Place[]>`
    select topological, event_nid as "eventNid" from events
    where  room_nid = ${roomNid} and kind < 2 and (position is null or position <= ${position})
    order  by topological desc, event_nid desc
    limit  1`;
  return row;
}

/** The last timeline event of a room up to a position of the log, or up to a place in the room's own order. */
export async function findLastAt(sql: Sql, roomNid: number, until: number | Place): Promise<StoredEvent | undefined> {
  const which =
    typeof until === 'number'
      ? sql`position <= ${until} order by position desc`
      : sql`position is not null and (topological, event_nid) <= (${until.topological}, ${until.eventNid}) order by topological desc, event_nid desc`;
  const [row] = await sql<
    EventRow[]
  >`select ${eventColumns(sql)} from events where room_nid = ${roomNid} and kind = 0 and ${which} limit 1`;
  return row === undefined ? undefined : toStoredEvent(row);
}

/** What each of these state events replaced: its own number → the event that held the key before it. */
export async function listReplacedState(sql: Sql, events: readonly StoredEvent[]): Promise<Map<number, { eventId: string; json: string }>> {
  const states = events.filter((event) => event.keyNid !== null && event.position !== null);
  if (states.length === 0) return new Map();
  const rows = await sql<{ eventNid: number; eventId: string; json: string }[]>`
    select a.event_nid as "eventNid", e.event_id as "eventId", e.json
    from   unnest(${states.map((event) => event.eventNid)}::bigint[], ${states.map((event) => event.roomNid)}::bigint[],
                  ${states.map((event) => event.keyNid)}::bigint[], ${states.map((event) => event.position)}::bigint[])
             as a(event_nid, room_nid, key_nid, position)
    join   state_intervals s on s.room_nid = a.room_nid and s.key_nid = a.key_nid and s.to_pos = a.position
    join   events e on e.event_nid = s.event_nid`;
  return new Map(rows.map((row) => [row.eventNid, { eventId: row.eventId, json: row.json }]));
}

export type KeyInterval = { fromPos: number; toPos: number; eventNid: number; json: string };

/** Who held one key, and from when until when, oldest first. `toPos` is infinite while it still holds. */
export async function listKeyHistory(sql: Sql, roomNid: number, type: string, stateKey: string): Promise<KeyInterval[]> {
  return await sql<KeyInterval[]>`
    select s.from_pos as "fromPos", s.to_pos as "toPos", s.event_nid as "eventNid", e.json
    from   state_keys k join state_intervals s using (key_nid) join events e on e.event_nid = s.event_nid
    where  k.type = ${type} and k.state_key = ${stateKey} and s.room_nid = ${roomNid}
    order  by s.from_pos`;
}

/** The same of several keys in each of many rooms. */
export async function listKeyHistories(
  sql: Sql,
  roomNids: readonly number[],
  keys: readonly { type: string; stateKey: string }[],
): Promise<(KeyInterval & { roomNid: number; type: string })[]> {
  if (roomNids.length === 0) return [];
  return await sql<(KeyInterval & { roomNid: number; type: string })[]>`
    select s.room_nid as "roomNid", k.type, s.from_pos as "fromPos", s.to_pos as "toPos", s.event_nid as "eventNid", e.json
    from   unnest(${keys.map((key) => key.type)}::text[], ${keys.map((key) => key.stateKey)}::text[]) as wanted(type, state_key)
    join   state_keys k on k.type = wanted.type and k.state_key = wanted.state_key
    join   state_intervals s on s.key_nid = k.key_nid and s.room_nid = any(${[...roomNids]}::bigint[])
    join   events e on e.event_nid = s.event_nid
    order  by s.from_pos`;
}

/** Timeline and backfilled events of the room at or after a time (`f`), or at or before it (`b`), the nearest first. */
export async function listEventsNearTime(
  sql: Sql,
  { roomNid, timestampMs, direction, limit }: { roomNid: number; timestampMs: number; direction: 'f' | 'b'; limit: number },
): Promise<StoredEvent[]> {
  const which =
    direction === 'f'
      ? sql`origin_server_ts >= ${timestampMs} order by origin_server_ts, topological, event_nid`
      : sql`origin_server_ts <= ${timestampMs} order by origin_server_ts desc, topological desc, event_nid desc`;
  const rows = await sql<EventRow[]>`
    select ${eventColumns(sql)} from events where room_nid = ${roomNid} and kind < 2 and ${which} limit ${limit}`;
  return rows.map(toStoredEvent);
}
