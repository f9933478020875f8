import type { JsonObject } from 'federation-spec/events/event.ts';
import { redactEvent } from 'federation-spec/events/redact-event.ts';
import { forbidden, notFound } from '../../../platform/matrix-error.ts';
import type { Database } from '../../../storage/database.ts';
import { findEvent, type StoredEvent } from '../../../storage/events.ts';
import { type HistoryPlace, listHistoryPlaces } from '../../../storage/history-places.ts';
import { wasServerInRoom } from '../../../storage/server-visibility.ts';
import { listHoldersBefore, wasServerThereBefore } from '../../../storage/states-before.ts';
import { type KeyInterval, listKeyHistory } from '../../../storage/timeline.ts';
import type { ErasedUsers } from '../../rooms/erased-users.ts';
import { findMoment } from '../../rooms/history-moment.ts';
import { type HotRoom, MEMBER } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import { hasState, isApart, wordOf } from '../../rooms/learn-standing.ts';
import { readPdu } from '../../rooms/read-pdu.ts';
import type { RetentionPolicies } from '../../rooms/retention-policies.ts';
import { isServerAllowed } from '../../rooms/server-acl.ts';

/** What other servers may be told of rooms. */
export type Disclose = {
  /** The room, for a server that is in it. Throws M_FORBIDDEN, in the same words whether the room is unknown or merely not theirs. */
  room: (origin: string, roomId: string) => Promise<HotRoom>;
  /** An event of that room that is part of its graph. Throws M_NOT_FOUND, in the same words whether it is unknown or of another room. */
  event: (room: HotRoom, eventId: string) => Promise<StoredEvent>;
  /** The first of the events that is visible to the server. */
  findVisible: (room: HotRoom, origin: string, events: readonly StoredEvent[]) => Promise<StoredEvent | undefined>;
  /** The events as the server may see them: pruned where the history is not visible to it, or the sender was erased. */
  events: (room: HotRoom, origin: string, events: readonly StoredEvent[]) => Promise<JsonObject[]>;
};

/** How the visibility of a room's history was over time, and before events whose place in the log does not tell it. */
type History = { visibilities: readonly KeyInterval[]; places: readonly HistoryPlace[]; before: ReadonlyMap<number, string | undefined> };

const VISIBILITY = 'm.room.history_visibility';
const VISIBILITY_KEY = 'history_visibility';

type Deps = {
  database: Database;
  rooms: HotRooms;
  retention: Pick<RetentionPolicies, 'isExpired'>;
  erasedUsers: Pick<ErasedUsers, 'has'>;
  serverName: string;
};

export function createDisclose({ database, rooms, retention, erasedUsers, serverName }: Deps): Disclose {
  const { sql } = database;

  async function loadHistory(room: HotRoom, events: readonly StoredEvent[]): Promise<History> {
    const visibilities = await listKeyHistory(sql, room.nid, VISIBILITY, '');
    const isBackfilled = events.some((event) => event.position === null);
    const places = isBackfilled ? await listHistoryPlaces(sql, [room.nid], [{ type: VISIBILITY, stateKey: '' }]) : [];
    const apart = events.filter((event) => isApart(event) && hasState(event));
    const holders = await listHoldersBefore(
      sql,
      apart.map(({ eventNid }) => ({ eventNid, type: VISIBILITY, stateKey: '' })),
    );
    const held = new Map(holders.map(({ eventNid, json }) => [eventNid, wordOf(json, VISIBILITY_KEY)]));
    return { visibilities, places, before: new Map(apart.map(({ eventNid }) => [eventNid, held.get(eventNid)])) };
  }

  /** With what is known of the state before it. */
  async function maySeeBy(origin: string, event: StoredEvent, visibility: string): Promise<boolean> {
    if (!isRestricted(visibility)) return true;
    const { sender, state_key: stateKey = '' } = readPdu(event.json);
    const concernsOrigin = sender.endsWith(`:${origin}`) || (event.type === MEMBER && stateKey.endsWith(`:${origin}`));
    if (concernsOrigin || (event.type === VISIBILITY && !isRestricted(wordOf(event.json, VISIBILITY_KEY)))) return true;
    return await wasServerThereBefore(sql, { eventNid: event.eventNid, serverName: origin, invited: visibility === 'invited' });
  }

  /** https://spec.matrix.org/latest/client-server-api/#room-history-visibility, for a server instead of a person. */
  async function maySee(room: HotRoom, origin: string, event: StoredEvent, { visibilities, places, before }: History): Promise<boolean> {
    if (retention.isExpired(event)) return false;
    if (before.has(event.eventNid)) return await maySeeBy(origin, event, before.get(event.eventNid) ?? 'shared');
    const moment = event.position === null ? findMoment(places, event.topological) : undefined;
    const position = moment?.position ?? event.position ?? 0;
    const holder = visibilities.find((interval) => interval.fromPos < position && interval.toPos >= position) ?? visibilities[0];
    const held = holder === undefined ? 'shared' : readPdu(holder.json).content[VISIBILITY_KEY];
    const visibility = moment?.told(VISIBILITY, VISIBILITY_KEY) ?? held;
    if (!isRestricted(visibility)) return true;
    if (event.senderNid !== 0 && readPdu(event.json).sender.endsWith(`:${origin}`)) return true;
    const at = { roomNid: room.nid, serverName: origin, invited: visibility === 'invited' };
    return (await wasServerInRoom(sql, { ...at, position: position - 1 })) || (await wasServerInRoom(sql, { ...at, position }));
  }

  return {
    room: async (origin, roomId) => {
      const room = await rooms.load(roomId);
      if (room === undefined || !room.joinedServers.has(serverName) || !room.joinedServers.has(origin)) {
        throw forbidden('Your server is not in the room, or this one is not');
      }
      if (!isServerAllowed(room, origin)) throw forbidden('The room does not allow your server');
      return room;
    },
    event: async (room, eventId) => {
      const event = await findEvent(sql, eventId);
      const isShown = event !== undefined && event.roomNid === room.nid && event.kind !== 'outlier' && event.kind !== 'rejected';
      if (!isShown) throw notFound('The room has no such event');
      return event;
    },
    findVisible: async (room, origin, events) => {
      const history = await loadHistory(room, events);
      for (const event of events) if (await maySee(room, origin, event, history)) return event;
      return undefined;
    },
    events: async (room, origin, events) => {
      const history = await loadHistory(room, events);
      const shown: JsonObject[] = [];
      for (const event of events) {
        const pdu = readPdu(event.json);
        const isWhole = !erasedUsers.has(event.senderNid) && (await maySee(room, origin, event, history));
        shown.push({ ...(isWhole ? pdu : redactEvent(pdu, room.rules)) });
      }
      return shown;
    },
  };
}

/** Whether history is shown only to those who were in the room, or invited to it. */
function isRestricted(visibility: unknown): boolean {
  return visibility === 'joined' || visibility === 'invited';
}
