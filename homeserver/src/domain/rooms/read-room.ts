import type { StateEvent } from 'federation-spec/api/schemas/events.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { forbidden, notFound } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid, type StoredEvent } from '../../storage/events.ts';
import { listState, listStateOfKeys } from '../../storage/state.ts';
import { listEventsFrom } from '../../storage/timeline.ts';
import { formatToken, parseToken } from '../streams/token.ts';
import { type EnterRoom, type RoomReader, stateAt } from './enter-room.ts';
import { createFindEventNearTime, type MomentInRoom } from './event-near-time.ts';
import type { FetchHistory } from './fetch-history.ts';
import { type HotRoom, MEMBER } from './hot-room.ts';
import { beginAt, DEFAULT_PAGE, endAt, MAX_PAGE, placeAfter } from './paging.ts';
import { readPdu } from './read-pdu.ts';
import type { ClientEvent, RenderEvents } from './render-events.ts';

/** How many pages of events that the reader may not see are walked through before an answer is given. */
const MAX_HIDDEN_PAGES = 10;

type EventFilter = (event: ClientEvent) => boolean;

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
  /** Who is in the room now, for those who are. Throws M_FORBIDDEN for others, also for who may read the room. */
  joinedMembers: (reader: RoomReader, roomId: string) => Promise<StateEvent[]>;
  event: (reader: RoomReader, roomId: string, eventId: string) => Promise<ClientEvent>;
  messages: (reader: RoomReader, request: MessagesRequest) => Promise<Page>;
  /** The event nearest to a time, at or after it (`f`) or at or before it (`b`). Throws M_NOT_FOUND when the reader may see none. */
  atTime: (reader: RoomReader, roomId: string, time: MomentInRoom) => Promise<{ eventId: string; originServerTs: number }>;
  context: (
    reader: RoomReader,
    roomId: string,
    eventId: string,
    options: { limit?: number | undefined; filter?: EventFilter | undefined },
  ) => Promise<Context>;
};

type Deps = { database: Database; enterRoom: EnterRoom; renderEvents: RenderEvents; fetchHistory: FetchHistory };

/** https://spec.matrix.org/latest/client-server-api/#getting-events-for-a-room */
export function createReadRoom({ database, enterRoom, renderEvents, fetchHistory }: Deps): ReadRoom {
  const { sql } = database;
  const { enter, findVisible } = enterRoom;
  const findEventNearTime = createFindEventNearTime({ database, fetchHistory });

  async function renderState(room: HotRoom, reader: RoomReader, rows: readonly { eventNid: number }[]): Promise<StateEvent[]> {
    const events = await listEventsByNid(
      sql,
      rows.map((row) => row.eventNid),
    );
    return (await renderEvents(events, { roomId: room.roomId, reader })).filter(isStateEvent);
  }

  async function messages(reader: RoomReader, request: MessagesRequest): Promise<Page> {
    const { room, view } = await enter(reader, request.roomId);
    const { place: from, bounds } = await beginAt(sql, room.nid, request.from, request.direction);
    const limit = Math.min(request.limit ?? DEFAULT_PAGE, MAX_PAGE);
    const direction = request.direction === 'b' ? 'backwards' : 'forwards';
    const range = { roomNid: room.nid, direction, ...bounds, ...endAt(request.to, request.direction) } as const;

    const chunk: ClientEvent[] = [];
    let place = from;
    let isAtEdge = false;
    for (let page = 0; page < MAX_HIDDEN_PAGES && chunk.length < limit && !isAtEdge; page += 1) {
      const wanted = limit - chunk.length;
      let events = await listEventsFrom(sql, { ...range, from: place, limit: wanted });
      const downTo = events.length < wanted ? 0 : (events.at(-1)?.topological ?? 0);
      const mayBeMore = direction === 'backwards' && request.to === undefined;
      const isMore = mayBeMore && (await fetchHistory(room, { from: place.topological, downTo, limit }));
      if (isMore) events = await listEventsFrom(sql, { ...range, from: place, limit: wanted });
      isAtEdge = events.length < wanted && !isMore;
      const shown = await renderEvents(events.filter(view.maySee), {
        roomId: room.roomId,
        reader,
        bundleUpTo: stateAt(room, view).at ?? null,
      });
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
    const bundleUpTo = stateAt(room, view).at ?? null;
    const render = (events: readonly StoredEvent[]) => renderEvents(events.filter(view.maySee), { roomId, reader, bundleUpTo });
    const keep = options.filter ?? (() => true);
    const last = later.at(-1)?.position ?? event.position;
    const { at: end = Number.POSITIVE_INFINITY } = stateAt(room, view);
    const stateUpTo = Math.min(last ?? Number.POSITIVE_INFINITY, end);
    const [rendered] = await renderEvents([event], { roomId, reader, bundleUpTo });
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
      const nearest = await findEventNearTime(room, view, time);
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
    joinedMembers: async (reader, roomId) => {
      const { room, view } = await enter(reader, roomId);
      if (view.membership !== 'join') throw forbidden('Only who is in a room is told who else is.');
      const rows = await listState(sql, room.nid, { types: [MEMBER] });
      return await renderState(
        room,
        reader,
        rows.filter(({ json }) => readPdu(json).content['membership'] === 'join'),
      );
    },
    event: async (reader, roomId, eventId) => {
      const { room, view } = await enter(reader, roomId);
      const [event] = await renderEvents([await findVisible(room, view, eventId)], {
        roomId,
        reader,
        bundleUpTo: stateAt(room, view).at ?? null,
      });
      if (event === undefined) throw new Error('an event was lost while it was rendered');
      return event;
    },
  };
}

function isStateEvent(event: ClientEvent): event is StateEvent {
  return event.state_key !== undefined;
}

/** What a joined member's event says of them, for member lists. */
export function profileFields(content: JsonObject): { display_name?: string; avatar_url?: string } {
  const { displayname, avatar_url } = content;
  return {
    ...(typeof displayname === 'string' ? { display_name: displayname } : {}),
    ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
  };
}
