import type { Sql } from './database.ts';
import { type EventRow, eventColumns, type StoredEvent, toStoredEvent } from './events.ts';

/** How many of a room's newest events are searched for those that a filter lets through. */
const MAX_SEARCHED = 500;

/** What may narrow a timeline; `*` in a type stands for any text. */
export type NewestFilter = {
  types?: readonly string[] | undefined;
  not_types?: readonly string[] | undefined;
  senders?: readonly string[] | undefined;
  not_senders?: readonly string[] | undefined;
  /** Only the text is looked at: what has no such key at all is left out. The caller reads the event. */
  contains_url?: boolean | undefined;
  /** Users whose messages (not: state events) are left out. */
  ignoredNids: readonly number[];
};

/** The events newest first. `isCutShort`: older ones were not searched. */
export type NewestOfRoom = { events: StoredEvent[]; isCutShort: boolean };

/** The newest timeline events of each room in (after, upTo], at most `limit` a room: one query, however many rooms there are. */
export async function listNewestOfRooms(
  sql: Sql,
  rooms: readonly { roomNid: number; after: number; upTo: number }[],
  { limit, filter }: { limit: number; filter: NewestFilter | undefined },
): Promise<Map<number, NewestOfRoom>> {
  if (rooms.length === 0) return new Map();
  const asked = sql`unnest(${rooms.map((room) => room.roomNid)}::bigint[], ${rooms.map((room) => room.after)}::bigint[],
                           ${rooms.map((room) => room.upTo)}::bigint[]) as a(room_nid, after, up_to)`;
  const inRange = sql`events.room_nid = a.room_nid and position > a.after and position <= a.up_to`;
  const rows =
    filter === undefined
      ? await sql<(EventRow & { place: number })[]>`
        select e.*, 0 as place from ${asked} cross join lateral (
          select ${eventColumns(sql)} from events where ${inRange} order by position desc limit ${limit}
        ) e`
      : await sql<(EventRow & { place: number })[]>`
        select e.* from ${asked} cross join lateral (
          select * from (
            select ${eventColumns(sql)}, row_number() over (order by position desc) as place
            from   events where ${inRange} order by position desc limit ${MAX_SEARCHED}
          ) searched
          where  ${passes(sql, filter)} or place = ${MAX_SEARCHED}
          order  by position desc
          limit  ${limit + 1}
        ) e`;

  // The last one searched is there as a sign that there are more, whether it passes or not: those before it are what counts.
  const newest = new Map<number, NewestOfRoom>();
  for (const [roomNid, ofRoom] of Map.groupBy(rows, (row) => row.roomNid)) {
    const found = ofRoom.filter(({ place }) => Number(place) < MAX_SEARCHED).slice(0, limit);
    newest.set(roomNid, {
      events: found.map(({ place: _place, ...row }) => toStoredEvent(row)),
      isCutShort: ofRoom.some(({ place }) => Number(place) === MAX_SEARCHED),
    });
  }
  return newest;
}

function passes(
  sql: Sql,
  { types, not_types: notTypes, senders, not_senders: notSenders, contains_url: hasUrl, ignoredNids }: NewestFilter,
) {
  const nids = (userIds: readonly string[]) => sql`select user_nid from users where user_id = any(${userIds.filter(isStorable)}::text[])`;
  const like = (globs: readonly string[]) => sql`searched.type like any(${globs.filter(isStorable).map(toLikePattern)}::text[])`;
  return sql`(
    ${types === undefined ? sql`true` : like(types)}
    and ${notTypes === undefined ? sql`true` : sql`not (${like(notTypes)})`}
    and ${senders === undefined ? sql`true` : sql`searched."senderNid" in (${nids(senders)})`}
    and ${notSenders === undefined ? sql`true` : sql`searched."senderNid" not in (${nids(notSenders)})`}
    and ${hasUrl === true ? sql`searched.json like '%"url":%'` : sql`true`}
    and (searched."keyNid" is not null or not (searched."senderNid" = any(${[...ignoredNids]}::bigint[])))
  )`;
}

/** Text that a database may hold: what it may not hold matches nothing. */
function isStorable(text: string): boolean {
  return !text.includes('\u0000');
}

/** `*` becomes LIKE's `%`; LIKE's own signs stand for themselves. */
function toLikePattern(glob: string): string {
  return glob.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}
