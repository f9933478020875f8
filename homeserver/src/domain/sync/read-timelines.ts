import type { Database } from '../../storage/database.ts';
import { relationOf } from '../../storage/relation-of.ts';
import { listRelatedTo } from '../../storage/relations.ts';
import { listNewestOfRooms } from '../../storage/sync-timelines.ts';
import { isBehindGap } from '../rooms/gap-place.ts';
import { MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { isForClients } from '../rooms/room-event.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { RoomToTell, Timeline } from './room-to-tell.ts';
import { isByContent, isByRelations, isNarrow, passesTimelineFilter, type TimelineFilter, wantsTimelineOf } from './timeline-filter.ts';

/** Where reading an event, or what relates to it, decides whether it passes, so many times as many are read. */
const SEARCHED_FOR_CONTENT = 4;

type Deps = { database: Database; rooms: HotRooms };

const NOTHING: Timeline = {
  events: [],
  isLimited: false,
  hasHiddenChanges: true,
  hasMemberChanges: true,
  hasStateChanges: true,
  hasLostState: true,
  relatedIds: new Set(),
};

/** The newest events of each room that the filter lets through: from the rooms' rings, and for the others from one query. */
export function createReadTimelines({ database, rooms }: Deps) {
  /** From the room's ring, if it reaches back far enough. */
  function readRing({ roomNid, after, upTo }: RoomToTell, limit: number, filter: TimelineFilter): Timeline | undefined {
    const room = rooms.peek(roomNid);
    if (room === undefined || room.ringFloor > after) return undefined;
    const recent = room.ring.filter(({ row }) => positionOf(row) > after && positionOf(row) <= upTo);
    const told = recent.filter(({ row }) => isForClients(row));
    const shown = isNarrow(filter) ? told.filter(({ row }) => passesTimelineFilter(filter, row)) : told;
    const isStateHidden = shown.length < recent.length && recent.some((logged) => logged.row.keyNid !== null && !shown.includes(logged));
    return {
      events: shown.slice(-limit).map(({ row }) => row),
      isLimited: shown.length > limit,
      hasHiddenChanges: isStateHidden || recent.some(({ isOnMainLine }) => !isOnMainLine),
      hasMemberChanges: recent.some(({ row }) => row.type === MEMBER),
      hasStateChanges: recent.some(
        ({ row, isOnMainLine, stateChanges }) => row.keyNid !== null || !isOnMainLine || stateChanges.length > 0,
      ),
      hasLostState: recent.some(({ stateChanges }) => stateChanges.some(({ eventNid }) => eventNid === null)),
      relatedIds: new Set(recent.flatMap(({ row }) => relationOf(row)?.targetId ?? [])),
    };
  }

  /** Of longer timelines, those events that others relate to as the filter wants it. */
  async function keepRelated(timelines: Map<number, Timeline>, limit: number, { filter }: TimelineFilter): Promise<Map<number, Timeline>> {
    const eventIds = [...timelines.values()].flatMap(({ events }) => events.map((event) => event.eventId));
    const wanted = { relTypes: filter?.related_by_rel_types, senders: filter?.related_by_senders };
    const related = await listRelatedTo(database.sql, eventIds, wanted);
    const kept = new Map<number, Timeline>();
    for (const [roomNid, timeline] of timelines) {
      const passing = timeline.events.filter((event) => related.has(event.eventId));
      const events = limit === 0 ? [] : passing.slice(-limit);
      kept.set(roomNid, { ...timeline, events, isLimited: timeline.isLimited || passing.length > limit, hasHiddenChanges: true });
    }
    return kept;
  }

  return async function readTimelines(
    wanted: readonly RoomToTell[],
    request: { limit: number; filter: TimelineFilter },
  ): Promise<Map<number, Timeline>> {
    const { filter } = request;
    const limit = isByRelations(filter) ? SEARCHED_FOR_CONTENT * request.limit : request.limit;
    const timelines = new Map<number, Timeline>();
    const cold: RoomToTell[] = [];
    for (const room of wanted) {
      const timeline = wantsTimelineOf(filter, room.roomId) ? readRing(room, limit, filter) : NOTHING;
      if (timeline === undefined) cold.push(room);
      else timelines.set(room.roomNid, cutAtGap(timeline));
    }
    const readsContent = isByContent(filter);
    const searched = readsContent ? SEARCHED_FOR_CONTENT * limit + 1 : limit + 1;
    const newest = await listNewestOfRooms(database.sql, cold, {
      limit: searched,
      filter: isNarrow(filter) ? { ...filter.filter, ignoredNids: [...filter.ignored] } : undefined,
    });
    for (const { roomNid } of cold) {
      const { events, isCutShort } = newest.get(roomNid) ?? { events: [], isCutShort: false };
      const told = events.filter(isForClients);
      const passing = readsContent ? told.filter((event) => passesTimelineFilter(filter, event)) : told;
      const timeline = {
        events: passing.slice(0, limit).reverse(),
        isLimited: passing.length > limit || isCutShort || events.length === searched,
        hasHiddenChanges: true,
        hasMemberChanges: true,
        hasStateChanges: true,
        hasLostState: true,
      };
      timelines.set(roomNid, cutAtGap(timeline));
    }
    return isByRelations(filter) ? await keepRelated(timelines, request.limit, filter) : timelines;
  };
}

/** A timeline has no holes: it begins behind the last gap, and what is in the gap is to be had by paging back. */
function cutAtGap(timeline: Timeline): Timeline {
  const from = timeline.events.findLastIndex((event) => isBehindGap(event.topological));
  return from === -1 ? timeline : { ...timeline, events: timeline.events.slice(from), isLimited: true };
}
