import type { RoomEventFilter } from 'federation-spec/api/schemas/filters.ts';
import type { Sql } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { listRelatedTo } from '../../storage/relations.ts';
import { type EventRange, listEventsFrom, type Place } from '../../storage/timeline.ts';
import { passesFilter, passesRoomFilter } from './event-filter.ts';
import type { HotRoom } from './hot-room.ts';
import { placeAfter } from './paging.ts';
import { readPdu } from './read-pdu.ts';
import type { RoomView } from './visibility.ts';

/** How many stretches of events, most of which the reader does not get, are walked through before an answer is given. */
const MAX_STRETCHES = 10;
/** How many events a stretch has at least, once the first did not suffice. */
const MIN_STRETCH = 100;

export type WalkWish = {
  range: Omit<EventRange, 'from' | 'limit'>;
  from: Place;
  limit: number;
  filter?: RoomEventFilter | undefined;
  /** Asks other servers for what is missing of a stretch that was read; when there is more now, gives what the reader may see with it. */
  fetchMore?: ((place: Place, downTo: number) => Promise<RoomView | undefined>) | undefined;
};

/** Up to `limit` events, where the walk goes on, and whether there was anything on the way. */
export type Walk = { events: StoredEvent[]; place: Place; isEmpty: boolean };

/**
 * Walks through a room's order and gathers what the reader may see and wants to see; how far it goes is bounded.
 */
export async function walkEvents(sql: Sql, { room, view: known }: { room: HotRoom; view: RoomView }, wish: WalkWish): Promise<Walk> {
  const { range, limit, filter, fetchMore } = wish;
  const gathered: StoredEvent[] = [];
  let place = wish.from;
  let view = known;
  if (limit === 0 || !passesRoomFilter(room.roomId, filter)) return { events: [], place, isEmpty: true };
  const isWanted = (event: StoredEvent): boolean => filter === undefined || passesFilter(readPdu(event.json), filter);

  let isEmpty = true;
  for (let stretch = 0; stretch < MAX_STRETCHES && gathered.length < limit; stretch += 1) {
    const size = stretch === 0 && filter === undefined ? limit : Math.max(limit, MIN_STRETCH);
    let events = await listEventsFrom(sql, { ...range, from: place, limit: size });
    const fuller = await fetchMore?.(place, events.length < size ? 0 : (events.at(-1)?.topological ?? 0));
    const isMore = fuller !== undefined;
    if (isMore) events = await listEventsFrom(sql, { ...range, from: place, limit: size });
    view = fuller ?? view;
    if (events.length > 0) isEmpty = false;

    await view.learn(events);
    const seen = events.filter((event) => view.maySee(event) && isWanted(event));
    const wanted = await keepRelated(sql, seen, filter);
    const taken = wanted.slice(0, limit - gathered.length);
    gathered.push(...taken);
    const isCut = taken.length < wanted.length;
    place = placeAfter(isCut ? taken : events, range.direction) ?? place;
    if (isCut || (events.length < size && !isMore)) break;
  }
  return { events: gathered, place, isEmpty };
}

/** Those that others relate to in the way the filter asks for. https://spec.matrix.org/latest/client-server-api/#filtering */
async function keepRelated(sql: Sql, events: readonly StoredEvent[], filter: RoomEventFilter | undefined): Promise<readonly StoredEvent[]> {
  const { related_by_rel_types: relTypes, related_by_senders: senders } = filter ?? {};
  if (relTypes === undefined && senders === undefined) return events;
  const eventIds = events.map((event) => event.eventId);
  const related = await listRelatedTo(sql, eventIds, { relTypes, senders });
  return events.filter((event) => related.has(event.eventId));
}
