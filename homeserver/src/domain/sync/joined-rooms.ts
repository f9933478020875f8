import type { SyncFilter } from 'federation-spec/api/schemas/filters.ts';
import type { JoinedRoom } from 'federation-spec/api/schemas/sync.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { relationOf } from '../../storage/relation-of.ts';
import { listRelatedIds } from '../../storage/relations.ts';
import {
  listMembersAt,
  listNewestOfRooms,
  listRoomSummaries,
  listStateChangesOfRooms,
  listStateOfRooms,
  type RoomSummaryRow,
} from '../../storage/sync.ts';
import { passesFilter } from '../rooms/event-filter.ts';
import { isBehindGap } from '../rooms/gap-place.ts';
import { MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { type ClientEvent, type RenderEvents, renderEvent } from '../rooms/render-events.ts';
import type { MaySee, ViewRoom } from '../rooms/visibility.ts';
import { positionOf } from '../streams/log-batch.ts';
import { formatToken } from '../streams/token.ts';
import type { SyncDevice } from './sources.ts';

/** How many events of a room a sync brings unless its filter says otherwise, and at most. */
const DEFAULT_TIMELINE = 10;
const MAX_TIMELINE = 100;

/** One room to be told of. `after` is where the client stands; 0 when it knows nothing of the room. */
export type RoomToTell = {
  roomNid: number;
  roomId: string;
  after: number;
  /** From where on the state is told: `after`, or 0 for all of it. */
  stateAfter: number;
  /** Where the room ends for this user: now, or when they left it. */
  upTo: number;
  /** The position of the user's own membership event. */
  since: number;
  /** The user is in the room no more, and may never have been. */
  isLeft: boolean;
};

export type ToldRoom = {
  timeline: NonNullable<JoinedRoom['timeline']>;
  state: ClientEvent[];
  summary?: JoinedRoom['summary'];
  /** Where in the log the timeline's events stand, before its filter. */
  positions: readonly number[];
};

type Request = { device: SyncDevice; upTo: number; boot: string; filter: SyncFilter | undefined; wantsStateAfter: boolean };

export type TellRooms = (rooms: readonly RoomToTell[], request: Request) => Promise<Map<number, ToldRoom>>;

type Deps = { database: Database; rooms: HotRooms; viewRoom: ViewRoom; renderEvents: RenderEvents; clock: Clock };
/** `stateUpTo`: how far the user may follow the state, when that is not to the end. `relatedIds`: the events to which others relate, known from the ring. */
type Timeline = {
  events: StoredEvent[];
  isLimited: boolean;
  hasHiddenChanges: boolean;
  stateUpTo?: number;
  relatedIds?: ReadonlySet<string>;
};

/**
 * The timelines and states of many rooms, in a number of queries that does not grow with them. What the rooms in memory still hold needs none.
 *
 * 1. The newest events of each room. 2. What of them the user may see. 3. The state before them (or after, when asked for).
 * 4. The members who speak in them, or by whom the room is called, when members are loaded lazily. 5. Who is in the room.
 */
export function createTellRooms({ database, rooms, viewRoom, renderEvents, clock }: Deps): TellRooms {
  const { sql } = database;

  /** From the room's ring, if it reaches back far enough. */
  function readRing({ roomNid, after, upTo }: RoomToTell, limit: number): Timeline | undefined {
    const room = rooms.peek(roomNid);
    if (room === undefined || room.ringFloor > after) return undefined;
    const recent = room.ring.filter(({ row }) => positionOf(row) > after && positionOf(row) <= upTo);
    const hasHiddenChanges = recent.some(({ isOnMainLine }) => !isOnMainLine);
    const relatedIds = new Set(recent.flatMap(({ row }) => relationOf(row)?.targetId ?? []));
    return { events: recent.slice(-limit).map(({ row }) => row), isLimited: recent.length > limit, hasHiddenChanges, relatedIds };
  }

  async function readTimelines(wanted: readonly RoomToTell[], limit: number): Promise<Map<number, Timeline>> {
    const timelines = new Map<number, Timeline>();
    const cold: RoomToTell[] = [];
    for (const room of wanted) {
      const timeline = readRing(room, limit);
      if (timeline === undefined) cold.push(room);
      else timelines.set(room.roomNid, timeline);
    }
    for (const upTo of new Set(cold.map((room) => room.upTo))) {
      const group = cold.filter((room) => room.upTo === upTo);
      const found = Map.groupBy(await listNewestOfRooms(sql, group, { upTo, limit: limit + 1 }), (event) => event.roomNid);
      for (const { roomNid } of group) {
        const newest = found.get(roomNid) ?? [];
        timelines.set(roomNid, { events: newest.slice(0, limit).reverse(), isLimited: newest.length > limit, hasHiddenChanges: true });
      }
    }
    return timelines;
  }

  /** Who joined before the first of the events may see them all; for others the timeline begins after the last one that is hidden from them. */
  async function hideUnseen(room: RoomToTell, timeline: Timeline, userId: string): Promise<Timeline> {
    const first = timeline.events[0];
    if (room.isLeft) return await hideAbsence(room, timeline, userId);
    if (first === undefined || (room.after > 0 && room.after >= room.since) || positionOf(first) > room.since) return timeline;
    const { maySee }: { maySee: MaySee } = await viewRoom(room.roomNid, userId);
    const from = timeline.events.findLastIndex((event) => !maySee(event)) + 1;
    return { ...timeline, events: timeline.events.slice(from), isLimited: timeline.isLimited || from > 0 };
  }

  /** Who left sees the room until then; who was refused, banned or not let in, sees of it that this was so, and nothing else. */
  async function hideAbsence(room: RoomToTell, timeline: Timeline, userId: string): Promise<Timeline> {
    const { maySee, lastJoinedAt } = await viewRoom(room.roomNid, userId);
    const stateUpTo = Math.min(lastJoinedAt ?? 0, room.upTo);
    const events = timeline.events.filter(maySee);
    return { ...timeline, events, isLimited: timeline.isLimited || events.length < timeline.events.length, stateUpTo };
  }

  async function readStates(
    wanted: readonly RoomToTell[],
    timelines: ReadonlyMap<number, Timeline>,
    request: Request,
  ): Promise<Map<number, StoredEvent[]>> {
    const { filter, wantsStateAfter, device } = request;
    const isLazy = filter?.room?.state?.lazy_load_members === true;
    const endOf = (room: RoomToTell): number => {
      const timeline = timelines.get(room.roomNid);
      const first = timeline?.events[0];
      const end = wantsStateAfter || first === undefined ? room.upTo : positionOf(first) - 1;
      return Math.min(end, timeline?.stateUpTo ?? end);
    };
    const mayFollow = wanted.filter((room) => (timelines.get(room.roomNid)?.stateUpTo ?? room.upTo) > room.stateAfter);
    const unknown = mayFollow.filter((room) => room.stateAfter === 0);
    const known = mayFollow.filter((room) => {
      const timeline = timelines.get(room.roomNid);
      return room.stateAfter > 0 && timeline !== undefined && (timeline.isLimited || timeline.hasHiddenChanges || wantsStateAfter);
    });
    const [whole, changes] = await Promise.all([
      listStateOfRooms(
        sql,
        unknown.map((room) => ({ roomNid: room.roomNid, at: endOf(room) })),
        isLazy ? [device.userId] : 'all',
      ),
      listStateChangesOfRooms(
        sql,
        known.map((room) => ({ roomNid: room.roomNid, after: room.stateAfter, upTo: endOf(room) })),
      ),
    ]);
    return Map.groupBy([...whole, ...changes], (event) => event.roomNid);
  }

  async function addSpeakers(
    room: RoomToTell,
    { events, heroes }: { events: readonly StoredEvent[]; heroes: readonly string[] },
    state: StoredEvent[],
    at: number,
  ): Promise<StoredEvent[]> {
    const speakers = new Set([...events.map((event) => senderOf(event)), ...heroes]);
    const listed = new Set(state.filter((event) => event.type === MEMBER).map((event) => event.eventNid));
    const members = await listMembersAt(sql, room.roomNid, [...speakers], at);
    return [...state, ...members.filter((member) => !listed.has(member.eventNid))];
  }

  return async function tellRooms(wanted, request) {
    const { device, filter, upTo, boot } = request;
    const limit = Math.min(filter?.room?.timeline?.limit ?? DEFAULT_TIMELINE, MAX_TIMELINE);
    const isLazy = filter?.room?.state?.lazy_load_members === true;

    const timelines = await readTimelines(wanted, Math.max(limit, 1));
    for (const room of wanted) {
      const timeline = timelines.get(room.roomNid);
      if (timeline === undefined) continue;
      const seen = await hideUnseen(room, cutAtGap(timeline), device.userId);
      timelines.set(room.roomNid, limit === 0 ? withoutEvents(seen) : seen);
    }
    const states = await readStates(wanted, timelines, request);
    const summaries = await readSummaries(wanted, timelines, device.userNid);
    const cold = [...timelines.values()].filter((timeline) => timeline.relatedIds === undefined);
    const relatedIds = await listRelatedIds(
      sql,
      cold.flatMap((timeline) => timeline.events.map((event) => event.eventId)),
    );

    const told = new Map<number, ToldRoom>();
    for (const room of wanted) {
      const timeline = timelines.get(room.roomNid) ?? { events: [], isLimited: false, hasHiddenChanges: false };
      const first = timeline.events[0];
      const before = first === undefined ? room.upTo : positionOf(first) - 1;
      const at = request.wantsStateAfter ? room.upTo : before;
      const rendered = await renderEvents(timeline.events, {
        roomId: room.roomId,
        reader: device,
        bundleUpTo: timeline.stateUpTo ?? null,
        relatedIds: timeline.relatedIds ?? relatedIds,
      });
      const events = rendered.filter((event) => passesFilter(event, filter?.room?.timeline));
      const inTimeline = new Set(events.map((event) => event.event_id));
      let state = states.get(room.roomNid) ?? [];
      if (!request.wantsStateAfter) state = addUntold(state, timeline, inTimeline);
      const heroes = room.isLeft ? [] : (summaries.get(room.roomNid)?.heroes ?? []);
      if (isLazy) state = await addSpeakers(room, { events: timeline.events, heroes }, state, at);
      const shown = new Set(request.wantsStateAfter ? [] : inTimeline);
      const now = clock.now();
      told.set(room.roomNid, {
        positions: timeline.events.map(positionOf),
        timeline: {
          events,
          limited: timeline.isLimited,
          prev_batch:
            first !== undefined && isBehindGap(first.topological)
              ? formatToken({ kind: 'topological', topological: first.topological, eventNid: first.eventNid - 1 })
              : formatToken({ kind: 'stream', position: Math.min(before, upTo), boot, volatile: 0 }),
        },
        state: state
          .filter((event) => !shown.has(event.eventId))
          .map((event) => renderEvent(event, { roomId: room.roomId, reader: device, now }))
          .filter((event) => passesFilter(event, filter?.room?.state)),
        ...summaryOf(summaries.get(room.roomNid)),
      });
    }
    return told;
  };

  async function readSummaries(wanted: readonly RoomToTell[], timelines: ReadonlyMap<number, Timeline>, userNid: number) {
    const changed = wanted.filter(({ roomNid, after }) => {
      const timeline = timelines.get(roomNid);
      return after === 0 || timeline?.isLimited === true || timeline?.events.some((event) => event.type === MEMBER) === true;
    });
    const rows = await listRoomSummaries(
      sql,
      changed.map((room) => room.roomNid),
      userNid,
    );
    return new Map(rows.map((row) => [row.roomNid, row]));
  }
}

/** A timeline has no holes: it begins behind the last gap, and what is in the gap is to be had by paging back. */
function cutAtGap(timeline: Timeline): Timeline {
  const from = timeline.events.findLastIndex((event) => isBehindGap(event.topological));
  return from === -1 ? timeline : { ...timeline, events: timeline.events.slice(from), isLimited: true };
}

/** For who wants no events: all there were stand behind the gap, whose end is the end of the room. */
function withoutEvents(timeline: Timeline): Timeline {
  return { ...timeline, events: [], isLimited: timeline.isLimited || timeline.events.length > 0 };
}

/** The state before the timeline, and what the timeline's filter keeps from the client though it is state. */
function addUntold(state: readonly StoredEvent[], timeline: Timeline, inTimeline: ReadonlySet<string>): StoredEvent[] {
  const untold = timeline.events.filter((event) => event.keyNid !== null && !inTimeline.has(event.eventId));
  if (untold.length === 0) return [...state];
  return [...new Map([...state, ...untold].map((event) => [event.keyNid, event])).values()];
}

function summaryOf(row: RoomSummaryRow | undefined): { summary?: JoinedRoom['summary'] } {
  if (row === undefined) return {};
  return { summary: { 'm.heroes': row.heroes, 'm.joined_member_count': row.joined, 'm.invited_member_count': row.invited } };
}

function senderOf(event: StoredEvent): string {
  return JSON.parse(event.json).sender;
}
