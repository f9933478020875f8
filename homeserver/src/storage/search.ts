import type { Sql } from './database.ts';

export type SearchKey = 'content.body' | 'content.name' | 'content.topic';

const KEYS: readonly SearchKey[] = ['content.body', 'content.name', 'content.topic'];

/** What is to be found of one event. `position`: see `searchPosition`. */
export type SearchEntry = {
  eventNid: number;
  roomNid: number;
  senderNid: number;
  position: number;
  key: SearchKey;
  hasUrl: boolean;
  text: string;
};

/** Writes entries anew, of events that are still there. Words are kept as they are and, for those who write English, by their stems. */
export async function upsertSearchEntries(sql: Sql, entries: readonly SearchEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await sql`
    insert into search_entries (event_nid, room_nid, sender_nid, position, key, has_url, words)
    select n.event_nid, n.room_nid, n.sender_nid, n.position, n.key, n.has_url = 1, to_tsvector('simple', n.text) || to_tsvector('english', n.text)
    from   unnest(
      ${entries.map((entry) => entry.eventNid)}::bigint[], ${entries.map((entry) => entry.roomNid)}::bigint[],
      ${entries.map((entry) => entry.senderNid)}::bigint[], ${entries.map((entry) => entry.position)}::bigint[],
      ${entries.map((entry) => KEYS.indexOf(entry.key))}::smallint[], ${entries.map((entry) => Number(entry.hasUrl))}::smallint[],
      ${entries.map((entry) => entry.text)}::text[]
    ) as n(event_nid, room_nid, sender_nid, position, key, has_url, text)
    join   events e on e.event_nid = n.event_nid and e.redacted_by is null
    on conflict (event_nid) do update set has_url = excluded.has_url, words = excluded.words`;
}

/** Larger than any time in ms, and as much below zero as positions never are. */
const HISTORY_START = 2 ** 52;

/** Where an event stands among others that are found: those of the log by position, below them what came by backfill, by its time. */
export function searchPosition({ position, originServerTs }: { position: number | null; originServerTs: number }): number {
  return position ?? Math.min(Math.max(originServerTs, 0), HISTORY_START - 1) - HISTORY_START;
}

/** Notes that the words of backfilled events are to be written. To be committed with them. */
export async function insertSearchHistory(sql: Sql, events: readonly { eventNid: number; type: string }[]): Promise<void> {
  const nids = events.filter(({ type }) => HISTORY_TYPES.includes(type)).map((event) => event.eventNid);
  if (nids.length > 0) await sql`insert into search_history (event_nid) select unnest(${nids}::bigint[]) on conflict do nothing`;
}
const HISTORY_TYPES = ['m.room.message', 'm.room.name', 'm.room.topic'];

/** Backfilled events whose words are to be written, at most `limit`. */
export async function listSearchHistory(sql: Sql, limit: number): Promise<number[]> {
  const rows = await sql<{ eventNid: number }[]>`select event_nid as "eventNid" from search_history limit ${limit}`;
  return rows.map((row) => row.eventNid);
}

export async function deleteSearchHistory(sql: Sql, eventNids: readonly number[]): Promise<void> {
  await sql`delete from search_history where event_nid = any(${[...eventNids]}::bigint[])`;
}

export async function deleteSearchEntries(sql: Sql, eventNids: readonly number[]): Promise<void> {
  if (eventNids.length > 0) await sql`delete from search_entries where event_nid = any(${[...eventNids]}::bigint[])`;
}

/** Forgets what was said in a room: it is encrypted now, or gone. */
export async function deleteSearchEntriesOfRoom(sql: Sql, roomNid: number): Promise<void> {
  await sql`delete from search_entries where room_nid = ${roomNid}`;
}

export type SearchQuery = {
  term: string;
  roomNids: readonly number[];
  keys: readonly SearchKey[];
  order: 'rank' | 'recent';
  /** Only what stands before this position of the log. */
  before?: number | undefined;
  /** Only by this user. */
  sender?: string | undefined;
  senders?: readonly string[] | undefined;
  notSenders: readonly string[];
  hasUrl?: boolean | undefined;
  limit: number;
};

export type SearchHit = {
  eventNid: number;
  roomNid: number;
  senderNid: number;
  position: number;
  key: SearchKey;
  sender: string;
  rank: number;
};

/** What fits the term, best or newest first. Quotes, `or` and `-` mean what they mean in a web search. */
export async function listSearchHits(sql: Sql, query: SearchQuery): Promise<SearchHit[]> {
  const { term, roomNids, keys, order, before, sender, senders, notSenders, hasUrl, limit } = query;
  if (roomNids.length === 0) return [];
  const earlier = before === undefined ? sql`` : sql`and s.position < ${before}`;
  const byOne = sender === undefined ? sql`` : sql`and u.user_id = ${sender}`;
  const bySome = senders === undefined ? sql`` : sql`and u.user_id = any(${[...senders]}::text[])`;
  const notBy = notSenders.length === 0 ? sql`` : sql`and u.user_id <> all(${[...notSenders]}::text[])`;
  const withUrl = hasUrl === undefined ? sql`` : sql`and s.has_url = ${hasUrl}`;
  const rows = await sql<(Omit<SearchHit, 'key'> & { key: number })[]>`
    select s.event_nid as "eventNid", s.room_nid as "roomNid", s.sender_nid as "senderNid", s.position, s.key, u.user_id as sender,
           ts_rank_cd(s.words, q.query)::float8 as rank
    from   (select websearch_to_tsquery('simple', ${term}) || websearch_to_tsquery('english', ${term}) as query) q
    join   search_entries s on s.words @@ q.query
    join   users u on u.user_nid = s.sender_nid
    where  s.room_nid = any(${[...roomNids]}::bigint[]) and s.key = any(${keys.map((key) => KEYS.indexOf(key))}::smallint[])
           ${earlier} ${byOne} ${bySome} ${notBy} ${withUrl}
    order  by ${order === 'rank' ? sql`rank desc, s.position desc` : sql`s.position desc`}
    limit  ${limit}`;
  return rows.map((row) => ({ ...row, key: KEYS[row.key] ?? 'content.body' }));
}

const MARK_START = '\u0002';
const MARK_STOP = '\u0003';

/** The words of these texts that fit the term, as they stand there, in small letters. */
export async function listMatchedWords(sql: Sql, term: string, texts: readonly string[]): Promise<string[]> {
  if (texts.length === 0) return [];
  const options = `HighlightAll=true, StartSel=${MARK_START}, StopSel=${MARK_STOP}`;
  const rows = await sql<{ marked: string }[]>`
    select ts_headline('english', t.text, websearch_to_tsquery('simple', ${term}) || websearch_to_tsquery('english', ${term}), ${options}) as marked
    from   unnest(${[...texts]}::text[]) as t(text)`;
  const words = rows.flatMap(({ marked }) =>
    marked
      .split(MARK_START)
      .slice(1)
      .map((part) => part.slice(0, part.indexOf(MARK_STOP)).toLowerCase()),
  );
  return [...new Set(words)];
}

/** The event that an edit stands for, if it is one and its target is in the same room. */
export async function findEditedEvent(sql: Sql, editNid: number): Promise<{ eventNid: number; eventId: string } | undefined> {
  const [row] = await sql<{ eventNid: number; eventId: string }[]>`
    select t.event_nid as "eventNid", t.event_id as "eventId"
    from   relations r join events t on t.event_id = r.target_id and t.room_nid = r.room_nid
    where  r.event_nid = ${editNid} and r.rel_type = 'm.replace'`;
  return row;
}
