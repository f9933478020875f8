import type { StateEvent } from 'federation-spec/api/schemas/events.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { forbidden, invalidParam, notFound } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { findEvent, listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { findMembership } from '../../storage/memberships.ts';
import { listState, listStateOfKeys } from '../../storage/state.ts';
import { findPlaceAt, listEventsFrom, listEventsNearTime, type Place } from '../../storage/timeline.ts';
import { formatToken, type PositionBounds, parseToken, type Token, type TopologicalToken } from '../streams/token.ts';
import { type HotRoom, MEMBER } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import { readPdu } from './read-pdu.ts';
import type { ClientEvent, Reader, RenderEvents } from './render-events.ts';
import type { RoomView, ViewRoom } from './visibility.ts';

/** Most events of one page, and of one side of a context. */
const MAX_PAGE = 1_000;
const DEFAULT_PAGE = 10;
/** How many pages of events that the reader may not see are walked through before an answer is given. */
const MAX_HIDDEN_PAGES = 10;
/** How many of the events nearest to a time are looked at for one that the reader may see. */
const MAX_NEAR_TIME = 1_000;

export type RoomReader = Reader & { userId: string };
type EventFilter = (event: ClientEvent) => boolean;

/** Asks other servers for what came before, when a page reaches the edge of what is known here. */
export type FetchHistory = (room: HotRoom, limit: number) => Promise<boolean>;

export type Page = { start: string; end?: string; chunk: ClientEvent[] };
export type MessagesRequest = {
  roomId: string;
  from?: string | undefined;
  to?: string | undefined;
  direction: 'b' | 'f';
  limit?: number | undefined;
  filter?: EventFilter | undefined;
};
export type Context = { start: string; end: string; event: ClientEvent; before: ClientEvent[]; after: ClientEvent[]; state: StateEvent[] };

/** What a user may read of a room. All throw M_FORBIDDEN for those who never were in it, unless it is world-readable. */
export type ReadRoom = {
  state: (reader: RoomReader, roomId: string) => Promise<StateEvent[]>;
  stateEvent: (reader: RoomReader, roomId: string, type: string, stateKey: string) => Promise<StateEvent>;
  /** The members at a token, or now. */
  members: (
    reader: RoomReader,
    roomId: string,
    options: { at?: string | undefined; membership?: string | undefined; notMembership?: string | undefined },
  ) => Promise<StateEvent[]>;
  event: (reader: RoomReader, roomId: string, eventId: string) => Promise<ClientEvent>;
  messages: (reader: RoomReader, request: MessagesRequest) => Promise<Page>;
  /** The event nearest to a time, at or after it (`f`) or at or before it (`b`). Throws M_NOT_FOUND when the reader may see none. */
  atTime: (
    reader: RoomReader,
    roomId: string,
    time: { timestampMs: number; direction: 'f' | 'b' },
  ) => Promise<{ eventId: string; originServerTs: number }>;
  context: (
    reader: RoomReader,
    roomId: string,
    eventId: string,
    options: { limit?: number | undefined; filter?: EventFilter | undefined },
  ) => Promise<Context>;
};

type Deps = { database: Database; rooms: HotRooms; viewRoom: ViewRoom; renderEvents: RenderEvents; fetchHistory: FetchHistory };

/** https://spec.matrix.org/latest/client-server-api/#getting-events-for-a-room */
export function createReadRoom({ database, rooms, viewRoom, renderEvents, fetchHistory }: Deps): ReadRoom {
  const { sql } = database;

  async function enter(reader: RoomReader, roomId: string): Promise<{ room: HotRoom; view: RoomView }> {
    const room = await rooms.load(roomId);
    if (room === undefined) throw forbidden(`You are not in the room ${roomId}.`);
    const view = await viewRoom(room.nid, reader.userId);
    const isWorldReadable = room.find('m.room.history_visibility', '')?.content['history_visibility'] === 'world_readable';
    if (view.lastJoinedAt === undefined && !isWorldReadable) throw forbidden(`You are not in the room ${roomId}.`);
    if (view.membership !== 'join' && !isWorldReadable && (await findMembership(sql, room.nid, reader.userNid))?.forgotten === true) {
      throw forbidden(`You have forgotten the room ${roomId}.`);
    }
    return { room, view };
  }

  /** Members read the state of now; who has left, that of when they left. */
  function stateAt(room: HotRoom, view: RoomView): { at?: number } {
    const isWorldReadable = room.find('m.room.history_visibility', '')?.content['history_visibility'] === 'world_readable';
    const { lastJoinedAt } = view;
    return view.membership === 'join' || isWorldReadable || lastJoinedAt === undefined || !Number.isFinite(lastJoinedAt)
      ? {}
      : { at: lastJoinedAt };
  }

  async function renderState(room: HotRoom, reader: RoomReader, rows: readonly { eventNid: number }[]): Promise<StateEvent[]> {
    const events = await listEventsByNid(
      sql,
      rows.map((row) => row.eventNid),
    );
    return (await renderEvents(events, { roomId: room.roomId, reader })).filter(isStateEvent);
  }

  async function findVisible(room: HotRoom, view: RoomView, eventId: string): Promise<StoredEvent> {
    const event = await findEvent(sql, eventId);
    const isShown = event !== undefined && event.roomNid === room.nid && (event.kind === 'timeline' || event.kind === 'backfilled');
    if (!isShown || !view.maySee(event)) throw notFound(`The room has no event ${eventId} that you may see.`);
    return event;
  }

  /** Where a page begins. */
  async function beginAt(room: HotRoom, text: string | undefined, direction: 'b' | 'f'): Promise<Start> {
    if (text === undefined) return { place: direction === 'b' ? LAST_PLACE : FIRST_PLACE, bounds: {} };
    const token = readPageToken(text);
    if (token.kind === 'topological') return { place: token, bounds: boundsOf(token, direction) };
    const { position } = token;
    if (direction === 'f') return { place: FIRST_PLACE, bounds: { after: position } };
    return { place: (await findPlaceAt(sql, room.nid, position)) ?? FIRST_PLACE, bounds: { upTo: position } };
  }

  async function messages(reader: RoomReader, request: MessagesRequest): Promise<Page> {
    const { room, view } = await enter(reader, request.roomId);
    const { place: from, bounds } = await beginAt(room, request.from, request.direction);
    const limit = Math.min(request.limit ?? DEFAULT_PAGE, MAX_PAGE);
    const direction = request.direction === 'b' ? 'backwards' : 'forwards';
    const range = { roomNid: room.nid, direction, ...bounds, ...endAt(request.to, request.direction) } as const;

    const chunk: ClientEvent[] = [];
    let place = from;
    let isAtEdge = false;
    for (let page = 0; page < MAX_HIDDEN_PAGES && chunk.length < limit && !isAtEdge; page += 1) {
      const wanted = limit - chunk.length;
      let events = await listEventsFrom(sql, { ...range, from: place, limit: wanted });
      if (direction === 'backwards' && request.to === undefined && events.length < wanted && (await fetchHistory(room, limit))) {
        events = await listEventsFrom(sql, { ...range, from: place, limit: wanted });
      }
      isAtEdge = events.length < wanted;
      const shown = await renderEvents(events.filter(view.maySee), { roomId: room.roomId, reader });
      chunk.push(...(request.filter === undefined ? shown : shown.filter(request.filter)));
      place = placeAfter(events, direction) ?? place;
    }
    const start = request.from ?? formatToken({ kind: 'topological', ...from });
    return { start, chunk, ...(isAtEdge ? {} : { end: formatToken({ kind: 'topological', ...place, bounds }) }) };
  }

  async function context(
    reader: RoomReader,
    roomId: string,
    eventId: string,
    options: Parameters<ReadRoom['context']>[3],
  ): Promise<Context> {
    const { room, view } = await enter(reader, roomId);
    const event = await findVisible(room, view, eventId);
    const half = Math.ceil(Math.min(options.limit ?? DEFAULT_PAGE, MAX_PAGE) / 2);
    const before = { topological: event.topological, eventNid: event.eventNid - 1 };
    const after = { topological: event.topological, eventNid: event.eventNid };
    const [earlier, later] = await Promise.all([
      listEventsFrom(sql, { roomNid: room.nid, from: before, direction: 'backwards', limit: half }),
      listEventsFrom(sql, { roomNid: room.nid, from: after, direction: 'forwards', limit: half }),
    ]);
    const render = (events: readonly StoredEvent[]) => renderEvents(events.filter(view.maySee), { roomId, reader });
    const keep = options.filter ?? (() => true);
    const last = later.at(-1)?.position ?? event.position;
    const { at: end = Number.POSITIVE_INFINITY } = stateAt(room, view);
    const stateUpTo = Math.min(last ?? Number.POSITIVE_INFINITY, end);
    const [rendered] = await renderEvents([event], { roomId, reader });
    if (rendered === undefined) throw new Error('an event was lost while it was rendered');
    return {
      event: rendered,
      before: (await render(earlier)).filter(keep),
      after: (await render(later)).filter(keep),
      state: await renderState(room, reader, await listState(sql, room.nid, Number.isFinite(stateUpTo) ? { at: stateUpTo } : {})),
      start: formatToken({ kind: 'topological', ...(placeAfter(earlier, 'backwards') ?? before) }),
      end: formatToken({ kind: 'topological', ...(placeAfter(later, 'forwards') ?? after) }),
    };
  }

  return {
    messages,
    context,
    atTime: async (reader, roomId, time) => {
      const { room, view } = await enter(reader, roomId);
      const events = await listEventsNearTime(sql, { roomNid: room.nid, ...time, limit: MAX_NEAR_TIME });
      const nearest = events.find(view.maySee);
      if (nearest === undefined) throw notFound('The room has no event on that side of the time that you may see.');
      return { eventId: nearest.eventId, originServerTs: nearest.originServerTs };
    },
    state: async (reader, roomId) => {
      const { room, view } = await enter(reader, roomId);
      return await renderState(room, reader, await listState(sql, room.nid, stateAt(room, view)));
    },
    stateEvent: async (reader, roomId, type, stateKey) => {
      const { room, view } = await enter(reader, roomId);
      const rows = await listStateOfKeys(sql, room.nid, [{ type, stateKey }], stateAt(room, view).at);
      const [event] = await renderState(room, reader, rows);
      if (event === undefined) throw notFound(`The room has no state of type ${type} with the key "${stateKey}".`);
      return event;
    },
    members: async (reader, roomId, { at, membership, notMembership }) => {
      const { room, view } = await enter(reader, roomId);
      const token = at === undefined ? undefined : parseToken(at);
      const moment = token?.kind === 'stream' && view.membership === 'join' ? { at: token.position } : stateAt(room, view);
      const rows = await listState(sql, room.nid, { ...moment, types: [MEMBER] });
      const wanted = rows.filter(({ json }) => {
        const word = readPdu(json).content['membership'];
        return (membership === undefined || word === membership) && (notMembership === undefined || word !== notMembership);
      });
      return await renderState(room, reader, wanted);
    },
    event: async (reader, roomId, eventId) => {
      const { room, view } = await enter(reader, roomId);
      const [event] = await renderEvents([await findVisible(room, view, eventId)], { roomId, reader });
      if (event === undefined) throw new Error('an event was lost while it was rendered');
      return event;
    },
  };
}

const FIRST_PLACE: Place = { topological: 0, eventNid: 0 };
const LAST_PLACE: Place = { topological: Number.MAX_SAFE_INTEGER, eventNid: 0 };

type Start = { place: Place; bounds: PositionBounds };

function readPageToken(text: string): Token {
  const token = parseToken(text);
  if (token === undefined) throw invalidParam(`${text} is no pagination token of this server.`);
  return token;
}

/** Who turns round reads what lies on the way back, whatever it was that began the way. */
function boundsOf({ bounds }: TopologicalToken, direction: 'b' | 'f'): PositionBounds {
  if (direction === 'f') return bounds?.after === undefined ? {} : { after: bounds.after };
  return bounds?.upTo === undefined ? {} : { upTo: bounds.upTo };
}

/** Where the pages end: at a place of the room's order, or at a position of the log. */
function endAt(text: string | undefined, direction: 'b' | 'f'): PositionBounds & { to?: Place } {
  if (text === undefined) return {};
  const token = readPageToken(text);
  if (token.kind === 'topological') return { to: token };
  return direction === 'b' ? { after: token.position } : { upTo: token.position };
}

function isStateEvent(event: ClientEvent): event is StateEvent {
  return event.state_key !== undefined;
}

function placeAfter(events: readonly StoredEvent[], direction: 'backwards' | 'forwards'): Place | undefined {
  const last = events.at(-1);
  if (last === undefined) return undefined;
  return { topological: last.topological, eventNid: direction === 'backwards' ? last.eventNid - 1 : last.eventNid };
}

/** What a joined member's event says of them, for member lists. */
export function profileFields(content: JsonObject): { display_name?: string; avatar_url?: string } {
  const { displayname, avatar_url } = content;
  return {
    ...(typeof displayname === 'string' ? { display_name: displayname } : {}),
    ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
  };
}
