import type { StateEvent } from 'federation-spec/api/schemas/events.ts';
import type { RoomEventFilter } from 'federation-spec/api/schemas/filters.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { listState } from '../../storage/state.ts';
import { listHoldersBefore } from '../../storage/states-before.ts';
import { listMembersOfRooms } from '../../storage/sync.ts';
import { formatToken } from '../streams/token.ts';
import { type EnterRoom, type RoomReader, stateAt } from './enter-room.ts';
import { passesFilter } from './event-filter.ts';
import type { FetchHistory } from './fetch-history.ts';
import { type HotRoom, MEMBER } from './hot-room.ts';
import { hasState, isApart } from './learn-standing.ts';
import { beginAt, DEFAULT_PAGE, endAt, MAX_PAGE } from './paging.ts';
import { readPdu } from './read-pdu.ts';
import { loadStateAfter } from './receive-pdu/nid-state.ts';
import type { ClientEvent, RenderEvents } from './render-events.ts';
import type { RoomView } from './visibility.ts';
import { walkEvents } from './walk-events.ts';

export type Page = { start: string; end?: string; chunk: ClientEvent[]; state?: StateEvent[] };
export type MessagesRequest = {
  roomId: string;
  from?: string | undefined;
  to?: string | undefined;
  direction: 'b' | 'f';
  limit?: number | undefined;
  filter?: RoomEventFilter | undefined;
};
export type Context = { start: string; end: string; event: ClientEvent; before: ClientEvent[]; after: ClientEvent[]; state: StateEvent[] };
export type ContextWish = { limit?: number | undefined; filter?: RoomEventFilter | undefined };

/** What was said in a room. Both throw M_FORBIDDEN for those who never were in it, unless it is world-readable. */
export type ReadMessages = {
  /** A page of events. There is no `end` when nothing lies in that direction. */
  messages: (reader: RoomReader, request: MessagesRequest) => Promise<Page>;
  /** An event with what stands around it, so many in all; throws M_NOT_FOUND. */
  context: (reader: RoomReader, roomId: string, eventId: string, wish: ContextWish) => Promise<Context>;
};

type Deps = { database: Database; enterRoom: EnterRoom; renderEvents: RenderEvents; fetchHistory: FetchHistory };

/** https://spec.matrix.org/latest/client-server-api/#getting-events-for-a-room */
export function createReadMessages({ database, enterRoom, renderEvents, fetchHistory }: Deps): ReadMessages {
  const { sql } = database;

  /** The members who speak in a page, as of its first event. */
  async function listSpeakers(room: HotRoom, events: readonly StoredEvent[], end: number): Promise<StoredEvent[]> {
    const [first] = events;
    if (first === undefined) return [];
    const speakers = [...new Set(events.map((event) => readPdu(event.json).sender))];
    if (isApart(first) && hasState(first)) {
      const asked = speakers.map((stateKey) => ({ eventNid: first.eventNid, type: MEMBER, stateKey }));
      const holders = await listHoldersBefore(sql, asked);
      return await listEventsByNid(
        sql,
        holders.map((holder) => holder.holderNid),
      );
    }
    return await listMembersOfRooms(sql, [{ roomNid: room.nid, userIds: speakers, at: Math.min(first.position ?? end, end) }]);
  }

  function viewOf(room: HotRoom, view: RoomView, reader: RoomReader) {
    return { roomId: room.roomId, reader, bundleUpTo: stateAt(room, view).at ?? null, membershipAt: view.membershipAt, sight: view };
  }

  return {
    messages: async (reader, { roomId, from: fromToken, to, direction, limit = DEFAULT_PAGE, filter }) => {
      const { room, view } = await enterRoom.enter(reader, roomId);
      const { place: from, bounds } = await beginAt(sql, room.nid, fromToken, direction);
      const isBackwards = direction === 'b';
      const way = isBackwards ? 'backwards' : 'forwards';
      const walk = await walkEvents(
        sql,
        { room, view },
        {
          range: { roomNid: room.nid, direction: way, ...bounds, ...endAt(to, direction) },
          from,
          limit: Math.min(limit, MAX_PAGE),
          filter,
          fetchMore:
            isBackwards && to === undefined
              ? async (place, downTo) =>
                  (await fetchHistory(room, { from: place.topological, downTo, limit }))
                    ? (await enterRoom.enter(reader, roomId)).view
                    : undefined
              : undefined,
        },
      );
      const rendering = viewOf(room, view, reader);
      const isLazy = filter?.lazy_load_members === true;
      const members = isLazy ? await listSpeakers(room, walk.events, rendering.bundleUpTo ?? Number.MAX_SAFE_INTEGER - 1) : [];
      return {
        start: fromToken ?? formatToken({ kind: 'topological', ...from }),
        chunk: await renderEvents(walk.events, rendering),
        ...(isLazy ? { state: (await renderEvents(members, { roomId, reader })).filter(isStateEvent) } : {}),
        ...(walk.isEmpty ? {} : { end: formatToken({ kind: 'topological', ...walk.place, bounds }) }),
      };
    },

    context: async (reader, roomId, eventId, { limit = DEFAULT_PAGE, filter }) => {
      const { room, view } = await enterRoom.enter(reader, roomId);
      const event = await enterRoom.findVisible(room, view, eventId);
      const size = Math.min(limit, MAX_PAGE);
      const earlierLimit = Math.floor(size / 2);
      const place = { topological: event.topological, eventNid: event.eventNid };
      const who = { room, view, reader };
      const [earlier, later] = await Promise.all([
        walkEvents(sql, who, {
          range: { roomNid: room.nid, direction: 'backwards' },
          from: { ...place, eventNid: event.eventNid - 1 },
          limit: earlierLimit,
          filter,
        }),
        walkEvents(sql, who, { range: { roomNid: room.nid, direction: 'forwards' }, from: place, limit: size - earlierLimit, filter }),
      ]);
      const rendering = viewOf(room, view, reader);
      const around = [...earlier.events, event, ...later.events];
      const all = await renderEvents(around, rendering);
      const rendered = all[earlier.events.length];
      if (rendered === undefined) throw new Error('an event was lost while it was rendered');
      const last = later.events.at(-1) ?? event;
      return {
        event: rendered,
        before: all.slice(0, earlier.events.length),
        after: all.slice(earlier.events.length + 1),
        state: await readState(who, { around, filter, last, upTo: stateAt(room, view).at ?? LATEST }),
        start: formatToken({ kind: 'topological', ...earlier.place }),
        end: formatToken({ kind: 'topological', ...later.place }),
      };
    },
  };

  /** The room's state after an event, or at a position of the log if that is earlier. */
  async function listStateAfter(room: HotRoom, event: StoredEvent, upTo: number) {
    const state = event.position === null ? await loadStateAfter(sql, event) : undefined;
    if (state !== undefined) {
      const events = await listEventsByNid(sql, [...state.values()]);
      return events.map(({ type, eventNid, json }) => ({ type, eventNid, json, stateKey: readPdu(json).state_key ?? '' }));
    }
    const at = Math.min(event.position ?? LATEST, upTo);
    return await listState(sql, room.nid, at === LATEST ? {} : { at });
  }

  /** The state at the last of the events; of its members, when they are loaded lazily, those who speak. */
  async function readState(
    { room, reader }: { room: HotRoom; reader: RoomReader },
    {
      around,
      filter,
      last,
      upTo,
    }: { around: readonly StoredEvent[]; filter: RoomEventFilter | undefined; last: StoredEvent; upTo: number },
  ): Promise<StateEvent[]> {
    const isLazy = filter?.lazy_load_members === true;
    const speakers = new Set(around.map((event) => readPdu(event.json).sender));
    const rows = await listStateAfter(room, last, upTo);
    const wanted = rows.filter(({ type, stateKey }) => !isLazy || type !== MEMBER || speakers.has(stateKey));
    const nids = wanted.filter(({ json }) => filter === undefined || passesStateFilter(json, filter)).map((row) => row.eventNid);
    const events = await renderEvents(await listEventsByNid(sql, nids), { roomId: room.roomId, reader });
    return events.filter(isStateEvent);
  }
}

/** Later than everything. */
const LATEST = Number.POSITIVE_INFINITY;

/** The state is the room's, whatever may be wanted of what was said; only who or what is not wanted at all is left out of it. */
function passesStateFilter(json: string, { not_types, not_senders }: RoomEventFilter): boolean {
  const refused = { ...(not_types === undefined ? {} : { not_types }), ...(not_senders === undefined ? {} : { not_senders }) };
  return passesFilter(readPdu(json), refused);
}

export function isStateEvent(event: ClientEvent): event is StateEvent {
  return event.state_key !== undefined;
}
