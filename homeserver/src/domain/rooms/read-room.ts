import type { StateEvent } from 'federation-spec/api/schemas/events.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { forbidden, invalidParam, MatrixError, notFound } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid } from '../../storage/events.ts';
import { listState, listStateOfKeys } from '../../storage/state.ts';
import { findLastAt } from '../../storage/timeline.ts';
import { parseToken } from '../streams/token.ts';
import { type EnterRoom, type RoomReader, stateAt } from './enter-room.ts';
import { createFindEventNearTime, type MomentInRoom } from './event-near-time.ts';
import type { FetchHistory } from './fetch-history.ts';
import { type HotRoom, MEMBER } from './hot-room.ts';
import type { PartialRooms } from './partial-rooms.ts';
import { createReadMessages, isStateEvent, type ReadMessages } from './read-messages.ts';
import { readPdu } from './read-pdu.ts';
import type { ClientEvent, RenderEvents } from './render-events.ts';
import type { RoomView } from './visibility.ts';

/** What a user may read of a room. All throw M_FORBIDDEN for those who never were in it, unless it is world-readable. */
export type ReadRoom = ReadMessages & {
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
  /** Throws M_NOT_FOUND, also for those who may not read the room. */
  event: (reader: RoomReader, roomId: string, eventId: string) => Promise<ClientEvent>;
  /** The event nearest to a time, at or after it (`f`) or at or before it (`b`). Throws M_NOT_FOUND when the reader may see none. */
  atTime: (reader: RoomReader, roomId: string, time: MomentInRoom) => Promise<{ eventId: string; originServerTs: number }>;
};

type Deps = {
  database: Database;
  enterRoom: EnterRoom;
  renderEvents: RenderEvents;
  fetchHistory: FetchHistory;
  partialRooms: Pick<PartialRooms, 'untilWhole'>;
};

/** https://spec.matrix.org/latest/client-server-api/#getting-events-for-a-room */
export function createReadRoom({ database, enterRoom, renderEvents, fetchHistory, partialRooms }: Deps): ReadRoom {
  const { sql } = database;
  const { enter, findVisible } = enterRoom;

  /** Enters a room whose members must all be known. */
  async function enterWhole(reader: RoomReader, roomId: string) {
    const entered = await enter(reader, roomId);
    return (await partialRooms.untilWhole(entered.room)) ? await enter(reader, roomId) : entered;
  }
  const findEventNearTime = createFindEventNearTime({ database, fetchHistory });

  async function renderState(room: HotRoom, reader: RoomReader, rows: readonly { eventNid: number }[]): Promise<StateEvent[]> {
    const events = await listEventsByNid(
      sql,
      rows.map((row) => row.eventNid),
    );
    return (await renderEvents(events, { roomId: room.roomId, reader })).filter(isStateEvent);
  }

  /** The position of a token, if the reader may see what was said there last. */
  async function readMoment(room: HotRoom, view: RoomView, text: string): Promise<{ at: number }> {
    const token = parseToken(text);
    if (token === undefined) throw invalidParam(`${text} is no pagination token of this server.`);
    const last = await findLastAt(sql, room.nid, token.kind === 'stream' ? token.position : token);
    if (last === undefined || !view.maySee(last)) throw forbidden('You were not in the room then.');
    return {
      at: Math.min(token.kind === 'stream' ? token.position : (last.position ?? 0), stateAt(room, view).at ?? Number.MAX_SAFE_INTEGER),
    };
  }

  return {
    ...createReadMessages({ database, enterRoom, renderEvents, fetchHistory }),
    atTime: async (reader, roomId, time) => {
      const { room, view } = await enter(reader, roomId);
      const nearest = await findEventNearTime(room, view, time);
      return { eventId: nearest.eventId, originServerTs: nearest.originServerTs };
    },
    state: async (reader, roomId) => {
      const { room, view } = await enterWhole(reader, roomId);
      return await renderState(room, reader, await listState(sql, room.nid, stateAt(room, view)));
    },
    stateEvent: async (reader, roomId, type, stateKey) => {
      const { room, view } = await (type === MEMBER && stateKey !== reader.userId ? enterWhole : enter)(reader, roomId);
      const rows = await listStateOfKeys(sql, room.nid, [{ type, stateKey }], stateAt(room, view).at);
      const [event] = await renderState(room, reader, rows);
      if (event === undefined) throw notFound(`The room has no state of type ${type} with the key "${stateKey}".`);
      return event;
    },
    members: async (reader, roomId, { at, membership, notMembership }) => {
      const { room, view } = await enterWhole(reader, roomId);
      const moment = at === undefined ? stateAt(room, view) : await readMoment(room, view, at);
      const rows = await listState(sql, room.nid, { ...moment, types: [MEMBER] });
      const wanted = rows.filter(({ json }) => {
        const word = readPdu(json).content['membership'];
        return (membership === undefined || word === membership) && (notMembership === undefined || word !== notMembership);
      });
      return await renderState(room, reader, wanted);
    },
    joinedMembers: async (reader, roomId) => {
      const { room, view } = await enterWhole(reader, roomId);
      if (view.membership !== 'join') throw forbidden('Only who is in a room is told who else is.');
      const rows = await listState(sql, room.nid, { types: [MEMBER] });
      return await renderState(
        room,
        reader,
        rows.filter(({ json }) => readPdu(json).content['membership'] === 'join'),
      );
    },
    event: async (reader, roomId, eventId) => {
      const { room, view } = await enter(reader, roomId).catch(hideEvent(eventId));
      const [event] = await renderEvents([await findVisible(room, view, eventId)], {
        roomId,
        reader,
        bundleUpTo: stateAt(room, view).at ?? null,
        membershipAt: view.membershipAt,
        sight: view,
      });
      if (event === undefined) throw new Error('an event was lost while it was rendered');
      return event;
    },
  };
}

/** An event that may not be seen is one that is not there. */
function hideEvent(eventId: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof MatrixError && error.errcode === 'M_FORBIDDEN'
      ? notFound(`There is no event ${eventId} that you may see.`)
      : error;
  };
}

/** What a joined member's event says of them, for member lists. */
export function profileFields(content: JsonObject): { display_name?: string; avatar_url?: string } {
  const { displayname, avatar_url } = content;
  return {
    ...(typeof displayname === 'string' ? { display_name: displayname } : {}),
    ...(typeof avatar_url === 'string' ? { avatar_url } : {}),
  };
}
