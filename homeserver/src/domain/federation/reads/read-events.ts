import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { notFound, unableDueToPartialState } from '../../../platform/matrix-error.ts';
import type { Database } from '../../../storage/database.ts';
import { findEvent, listEventsById, listEventsByNid, type StoredEvent } from '../../../storage/events.ts';
import { listEventsNearTime } from '../../../storage/timeline.ts';
import type { HotRoom } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import type { PartialRooms } from '../../rooms/partial-rooms.ts';
import { readPdu } from '../../rooms/read-pdu.ts';
import { listWholeAuthChain } from '../../rooms/receive-pdu/auth-chain.ts';
import { loadStateBefore } from '../../rooms/receive-pdu/nid-state.ts';
import { RESIDENT_WAIT_MS } from '../partial-state/patient-rooms.ts';
import type { Disclose } from './disclose.ts';
import { walkBack } from './walk-back.ts';

/** Most events of one answer. */
const MAX_BACKFILL = 100;
const MAX_MISSING = 100;
const MAX_IDS_ASKED = 20;
/** How many of the events nearest to a time are looked at for one that the server may see. */
const MAX_NEAR_TIME = 100;

/** What servers that are in a room may read of it. Each throws M_FORBIDDEN and M_NOT_FOUND as `Disclose` does. */
export type ReadEvents = {
  event: (origin: string, eventId: string) => Promise<JsonObject>;
  authChain: (origin: string, roomId: string, eventId: string) => Promise<JsonObject[]>;
  /** The state before the event, and what allows it. */
  state: (origin: string, roomId: string, eventId: string) => Promise<{ state: StoredEvent[]; authChain: StoredEvent[] }>;
  backfill: (origin: string, roomId: string, from: readonly string[], limit: number) => Promise<JsonObject[]>;
  /** The event nearest to a time that the server may see. */
  atTime: (origin: string, roomId: string, time: { timestampMs: number; direction: 'f' | 'b' }) => Promise<StoredEvent>;
  missing: (
    origin: string,
    roomId: string,
    range: { earliest: readonly string[]; latest: readonly string[]; limit: number; minDepth: number },
  ) => Promise<JsonObject[]>;
};

type Deps = { database: Database; rooms: HotRooms; disclose: Disclose; partialRooms: Pick<PartialRooms, 'untilWhole'> };

/** https://spec.matrix.org/latest/server-server-api/#retrieving-events */
export function createReadEvents({ database, rooms, disclose, partialRooms }: Deps): ReadEvents {
  const { sql } = database;

  async function chainOf(room: HotRoom, nids: readonly number[]): Promise<StoredEvent[]> {
    const chain = await listEventsByNid(sql, await listWholeAuthChain(sql, room, nids));
    return chain.filter((event) => event.kind !== 'rejected');
  }

  return {
    event: async (origin, eventId) => {
      const found = await findEvent(sql, eventId);
      const hot = found === undefined ? undefined : await rooms.loadByNid(found.roomNid);
      const room = hot === undefined ? undefined : await disclose.room(origin, hot.roomId).catch(() => undefined);
      if (room === undefined || found === undefined) throw notFound('There is no such event');
      // It is told of in states and auth chains, where it is part of the room.
      if (found.kind === 'outlier' && found.keyNid !== null) return { ...readPdu(found.json) };
      const event = await disclose.event(room, eventId).catch(() => {
        throw notFound('There is no such event');
      });
      const [shown] = await disclose.events(room, origin, [event]);
      return shown ?? {};
    },

    authChain: async (origin, roomId, eventId) => {
      const room = await disclose.room(origin, roomId);
      const event = await disclose.event(room, eventId);
      return (await chainOf(room, [event.eventNid])).map((entry) => ({ ...readPdu(entry.json) }));
    },

    state: async (origin, roomId, eventId) => {
      const asked = await disclose.room(origin, roomId);
      await partialRooms.untilWhole(asked, RESIDENT_WAIT_MS).catch(() => false); // it is seen below that it is not
      const room = (await rooms.load(roomId)) ?? asked;
      if (room.isPartial) throw unableDueToPartialState(403);
      const event = await disclose.event(room, eventId);
      const before = await loadStateBefore(sql, event);
      if (before === undefined) throw notFound('The state at this event is not known');
      const nids = [...before.values()];
      return { state: await listEventsByNid(sql, nids), authChain: await chainOf(room, nids) };
    },

    backfill: async (origin, roomId, from, limit) => {
      const room = await disclose.room(origin, roomId);
      const count = Math.min(Math.max(1, limit), MAX_BACKFILL);
      const events = await walkBack(sql, room.nid, from.slice(0, MAX_IDS_ASKED), count);
      return await disclose.events(room, origin, events);
    },

    atTime: async (origin, roomId, time) => {
      const room = await disclose.room(origin, roomId);
      const events = await listEventsNearTime(sql, { roomNid: room.nid, ...time, limit: MAX_NEAR_TIME });
      const nearest = await disclose.findVisible(room, origin, events);
      if (nearest === undefined) throw notFound('The room has no such event');
      return nearest;
    },

    missing: async (origin, roomId, { earliest, latest, limit, minDepth }) => {
      const room = await disclose.room(origin, roomId);
      const known = new Set([...earliest, ...latest]);
      const found: StoredEvent[] = [];
      const count = Math.min(Math.max(1, limit), MAX_MISSING);
      const start = (await listEventsById(sql, latest.slice(0, MAX_IDS_ASKED))).filter((event) => event.roomNid === room.nid);
      let next = start.flatMap((event) => listPrevEventIds(readPdu(event.json)));
      while (next.length > 0 && found.length < count) {
        const wanted = [...new Set(next)].filter((id) => !known.has(id));
        for (const id of wanted) known.add(id);
        const events = (await listEventsById(sql, wanted)).filter(
          (event) =>
            event.roomNid === room.nid && (isShared(event) || event.kind === 'soft_failed') && readPdu(event.json).depth >= minDepth,
        );
        found.push(...events.slice(0, count - found.length));
        next = events.flatMap((event) => listPrevEventIds(readPdu(event.json)));
      }
      const ordered = found.sort((a, b) => a.topological - b.topological || a.eventNid - b.eventNid);
      return await disclose.events(room, origin, ordered);
    },
  };
}

function isShared(event: StoredEvent): boolean {
  return event.kind === 'timeline' || event.kind === 'backfilled';
}
