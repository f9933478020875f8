import type { ClientEvent } from 'federation-spec/api/schemas/events.ts';
import type { SearchCriteria, SearchResult, SearchResults } from 'federation-spec/api/schemas/search.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { listMatchedWords, type SearchHit, type SearchKey } from '../../storage/search.ts';
import type { RoomReader } from '../rooms/enter-room.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import type { ReadRoom } from '../rooms/read-room.ts';
import type { RenderEvents } from '../rooms/render-events.ts';
import type { ViewRoom } from '../rooms/visibility.ts';
import type { FindHits } from './find-hits.ts';
import { formatPlace, type GroupKey, parsePlace, type SearchPlace } from './search-place.ts';
import { searchableText } from './searchable-text.ts';
import type { ListSurroundings } from './surroundings.ts';

/** Results of one page, unless the filter says otherwise, and at most. */
const DEFAULT_PAGE = 10;
const MAX_PAGE = 100;
/** Longer terms find nothing more. */
const MAX_TERM_LENGTH = 1_000;
const ALL_KEYS: readonly SearchKey[] = ['content.body', 'content.name', 'content.topic'];

/** Searches what the reader may see. Throws M_INVALID_PARAM for a token of another search. */
export type Search = (reader: RoomReader, criteria: SearchCriteria, nextBatch: string | undefined) => Promise<SearchResults>;

type Deps = {
  database: Database;
  findHits: FindHits;
  listSurroundings: ListSurroundings;
  readRoom: Pick<ReadRoom, 'state'>;
  renderEvents: RenderEvents;
  viewRoom: ViewRoom;
  caughtUp: () => Promise<void>;
};

/** A hit that is told: its event as stored and as the reader gets it. */
type Found = { hit: SearchHit; stored: StoredEvent; event: ClientEvent };

/**
 * 1. Everything said so far is made findable. 2. What fits and may be seen. 3. The page's events. 4. What the request wants beside them.
 * https://spec.matrix.org/latest/client-server-api/#server-side-search
 */
export function createSearch({ database, findHits, listSurroundings, readRoom, renderEvents, viewRoom, caughtUp }: Deps): Search {
  async function loadPage(reader: RoomReader, hits: readonly SearchHit[], roomIds: ReadonlyMap<number, string>): Promise<Found[]> {
    const stored = await listEventsByNid(
      database.sql,
      hits.map((hit) => hit.eventNid),
    );
    const live = new Map(stored.filter((event) => event.redactedBy === null).map((event) => [event.eventNid, event]));
    const found = new Map<number, Found>();
    for (const [roomNid, ofRoom] of Map.groupBy(hits, (hit) => hit.roomNid)) {
      const known = ofRoom.flatMap((hit) => {
        const event = live.get(hit.eventNid);
        return event === undefined ? [] : [{ hit, stored: event }];
      });
      const shown = await renderEvents(
        known.map((entry) => entry.stored),
        { roomId: roomIds.get(roomNid) ?? '', reader, bundleUpTo: null, sight: await viewRoom(roomNid, reader.userId) },
      );
      const byId = new Map(shown.map((event) => [event.event_id, event]));
      for (const entry of known) {
        const event = byId.get(entry.stored.eventId);
        if (event !== undefined) found.set(entry.hit.eventNid, { ...entry, event });
      }
    }
    return hits.flatMap((hit) => found.get(hit.eventNid) ?? []);
  }

  async function toResult(reader: RoomReader, { hit, stored, event }: Found, wish: SearchCriteria['event_context']): Promise<SearchResult> {
    const context = wish === undefined ? {} : await listSurroundings(reader, event.room_id, stored, wish);
    return { rank: hit.rank, result: event, context };
  }

  return async function search(reader, criteria, nextBatch) {
    const { filter = {}, order_by: order = 'rank', event_context: wish } = criteria;
    const term = criteria.search_term.slice(0, MAX_TERM_LENGTH).toWellFormed();
    const place: SearchPlace = nextBatch === undefined ? { order, place: 0, seen: 0 } : parsePlace(nextBatch, order);
    await caughtUp(); // 1

    const keys = criteria.keys ?? ALL_KEYS;
    const { hits, roomIds } = await findHits({ user: reader, term, keys, filter, place }); // 2
    const limit = Math.max(1, Math.min(filter.limit ?? DEFAULT_PAGE, MAX_PAGE));
    const from = order === 'rank' ? Math.min(place.place, hits.length) : 0;
    const page = hits.slice(from, from + limit);
    const found = await loadPage(reader, page, roomIds); // 3

    const results: SearchResult[] = [];
    for (const entry of found) results.push(await toResult(reader, entry, wish)); // 4
    const texts = found.flatMap(({ event, stored }) => searchableText({ ...readPdu(stored.json), content: event.content })?.text ?? []);
    const groupKeys = [...new Set((criteria.groupings?.group_by ?? []).flatMap(({ key }) => key ?? []))];
    const progress = { place, hits, from, page, roomIds };
    const next = from + page.length < hits.length ? nextPlace(progress, () => true, place.group) : undefined;
    return {
      count: order === 'rank' ? hits.length : place.seen + hits.length,
      highlights: await listMatchedWords(database.sql, term, texts),
      results,
      ...(criteria.include_state === true ? { state: await listStates(reader, found) } : {}),
      ...(groupKeys.length === 0 ? {} : { groups: Object.fromEntries(groupKeys.map((key) => [key, groupBy(key, found, progress)])) }),
      ...(next === undefined ? {} : { next_batch: next }),
    };
  };

  async function listStates(reader: RoomReader, found: readonly Found[]): Promise<Record<string, ClientEvent[]>> {
    const states: Record<string, ClientEvent[]> = {};
    for (const roomId of new Set(found.map(({ event }) => event.room_id))) states[roomId] = await readRoom.state(reader, roomId);
    return states;
  }
}

type Progress = {
  place: SearchPlace;
  hits: readonly SearchHit[];
  from: number;
  page: readonly SearchHit[];
  roomIds: ReadonlyMap<number, string>;
};

/** Where the next page begins, of all hits or of those of one group. */
function nextPlace({ place, hits, from, page }: Progress, isIn: (hit: SearchHit) => boolean, group: SearchPlace['group']): string {
  const { order, seen } = place;
  if (order === 'recent')
    return formatPlace({ order, place: page.findLast(isIn)?.position ?? place.place, seen: seen + page.filter(isIn).length, group });
  const told = hits.slice(0, from + page.length).filter(isIn).length;
  return formatPlace({ order, place: told, seen: told, group });
}

type Groups = Record<string, { results: string[]; order: number; next_batch?: string }>;

/** The page by what was asked, each group with the way to more of it. */
function groupBy(key: GroupKey, found: readonly Found[], progress: Progress): Groups {
  const { hits, from, page, roomIds } = progress;
  const groupOf = (hit: SearchHit): string => (key === 'sender' ? hit.sender : (roomIds.get(hit.roomNid) ?? ''));
  const rest = hits.slice(from + page.length);
  const groups: Groups = {};
  let order = 0;
  for (const [value, entries] of Map.groupBy(found, ({ hit }) => groupOf(hit))) {
    const isIn = (hit: SearchHit): boolean => groupOf(hit) === value;
    order += 1;
    groups[value] = {
      results: entries.map(({ event }) => event.event_id),
      order,
      ...(rest.some(isIn) ? { next_batch: nextPlace(progress, isIn, { key, value }) } : {}),
    };
  }
  return groups;
}
