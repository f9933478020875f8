import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { listRelatedIds } from '../../storage/relations.ts';
import { listMembersOfRooms } from '../../storage/sync.ts';
import { passesFilter, passesRoomFilter } from '../rooms/event-filter.ts';
import { isBehindGap } from '../rooms/gap-place.ts';
import { MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import { type RenderGroups, renderEvent } from '../rooms/render-events.ts';
import type { ViewRooms } from '../rooms/visibility.ts';
import { positionOf } from '../streams/log-batch.ts';
import { formatToken } from '../streams/token.ts';
import { createHideUnseen } from './hide-unseen.ts';
import { createLazyMembers } from './lazy-members.ts';
import { createReadStates } from './read-states.ts';
import { createReadTimelines } from './read-timelines.ts';
import type { ListSummaries } from './room-summaries.ts';
import type { RoomToTell, TellRequest, TellRooms, Timeline, ToldRoom } from './room-to-tell.ts';
import { createShapeEvent } from './shape-events.ts';
import type { Ignored } from './sources.ts';

/** How many events of a room a sync brings unless its filter says otherwise, and at most. */
const DEFAULT_TIMELINE = 10;
const MAX_TIMELINE = 100;

type Deps = {
  database: Database;
  rooms: HotRooms;
  viewRooms: ViewRooms;
  renderGroups: RenderGroups;
  listSummaries: ListSummaries;
  /** Whom the user ignores. */
  listIgnored: (userNid: number) => Promise<Ignored>;
  clock: Clock;
};

/**
 * The timelines and states of many rooms, in a number of queries that does not grow with them. What the rooms in memory still hold needs none.
 *
 * 1. The newest events of each room. 2. What of them the user may see. 3. The state before them (or after, when asked for).
 * 4. Who is in the room, and by whom it is called. 5. The members who speak, or by whom the room is called, when members are loaded lazily.
 */
export function createTellRooms(deps: Deps): TellRooms {
  const { database, rooms, renderGroups, listSummaries, listIgnored, clock } = deps;
  const { sql } = database;
  const readTimelines = createReadTimelines(deps);
  const hideUnseen = createHideUnseen(deps);
  const readStates = createReadStates(deps);
  const lazyMembers = createLazyMembers();

  async function readSummaries(wanted: readonly RoomToTell[], timelines: ReadonlyMap<number, Timeline>, userId: string) {
    const changed = wanted.filter(({ roomNid, after, isLeft }) => {
      const timeline = timelines.get(roomNid);
      return !isLeft && (after === 0 || timeline?.isLimited === true || timeline?.hasMemberChanges === true);
    });
    return await listSummaries(
      changed.map((room) => room.roomNid),
      userId,
    );
  }

  /** The members that a lazy client needs beside those whose membership changed, less those it was told of already. */
  async function addLazily(
    wanted: readonly RoomToTell[],
    timelines: ReadonlyMap<number, Timeline>,
    states: Map<number, StoredEvent[]>,
    request: TellRequest & { heroesOf: (roomNid: number) => readonly string[] },
  ): Promise<void> {
    const { device, toldMembersAt, wantsStateAfter, heroesOf } = request;
    const needs = wanted.map((room) => {
      const events = timelines.get(room.roomNid)?.events ?? [];
      const listed = new Set((states.get(room.roomNid) ?? []).flatMap((event) => (event.type === MEMBER ? stateKeyOf(event) : [])));
      const known = knownTo(room, request);
      const userIds = [...new Set([...events.map(senderOf), ...heroesOf(room.roomNid)])].filter(
        (userId) => !listed.has(userId) && !isStillSo(room, userId, known.get(userId)),
      );
      return { roomNid: room.roomNid, at: endOfState(room, events[0], wantsStateAfter), userIds };
    });
    const members = Map.groupBy(await listMembersOfRooms(sql, needs), (member) => member.roomNid);
    for (const room of wanted) {
      const { roomNid, upTo } = room;
      const known = knownTo(room, request);
      const state = [...(states.get(roomNid) ?? []), ...(members.get(roomNid) ?? [])];
      const news = state.filter((event) => event.type !== MEMBER || known.get(stateKeyOf(event)) !== event.eventId);
      states.set(roomNid, news);
      if (toldMembersAt === undefined) continue;
      const shown = [...news, ...(timelines.get(roomNid)?.events ?? [])].filter((event) => event.type === MEMBER);
      const told = new Map(shown.map((event) => [stateKeyOf(event), event.eventId]));
      lazyMembers.remember(device, roomNid, { upTo, told, since: sinceOf(room, request) });
    }
  }

  /** Up to where the device has what it was told of the room's members: nowhere, when it is told all of the state. */
  function sinceOf({ stateAfter }: RoomToTell, { toldMembersAt = 0 }: TellRequest): number {
    return stateAfter === 0 ? 0 : toldMembersAt;
  }

  function knownTo(room: RoomToTell, request: TellRequest): ReadonlyMap<string, string> {
    return room.toldMembers ?? lazyMembers.find(request.device, room.roomNid, sinceOf(room, request));
  }

  /** Whether the membership that a client was told of is the one that a room in memory has: it need not be read again. */
  function isStillSo({ roomNid, isLeft }: RoomToTell, userId: string, toldId: string | undefined): boolean {
    const room = isLeft || toldId === undefined ? undefined : rooms.peek(roomNid);
    if (room === undefined || room.absentMembers([userId]).length > 0) return false;
    return room.findEntry(MEMBER, userId)?.eventId === toldId;
  }

  return async function tellRooms(wanted, request) {
    const { device, filter, upTo, boot } = request;
    const limit = Math.min(filter?.room?.timeline?.limit ?? DEFAULT_TIMELINE, MAX_TIMELINE);
    const isLazy = filter?.room?.state?.lazy_load_members === true;

    // 1. 2.
    const timelineFilter = { filter: filter?.room?.timeline, ignored: (await listIgnored(device.userNid)).nids };
    const read = await readTimelines(wanted, { limit: Math.max(limit, 1), filter: timelineFilter });
    const { seen, views } = await hideUnseen(wanted, read, device.userId);
    const timelines = limit === 0 ? new Map([...seen].map(([roomNid, timeline]) => [roomNid, withoutEvents(timeline)])) : seen;

    // 3. 4. 5.
    const rows = await readStates(wanted, timelines, request);
    const states = new Map([...rows].map(([roomNid, ofRoom]) => [roomNid, ofRoom.map(({ event }) => event)]));
    const summaries = await readSummaries(wanted, timelines, device.userId);
    const heroesOf = (roomNid: number) => summaries.get(roomNid)?.heroes ?? [];
    if (isLazy) await addLazily(wanted, timelines, states, { ...request, heroesOf });

    const cold = [...timelines.values()].filter((timeline) => timeline.relatedIds === undefined);
    const relatedIds = await listRelatedIds(
      sql,
      cold.flatMap((timeline) => timeline.events.map((event) => event.eventId)),
    );
    const rendered = await renderGroups(
      wanted.map((room) => {
        const { events, stateUpTo, relatedIds: known } = timelines.get(room.roomNid) ?? NO_TIMELINE;
        const view = {
          roomId: room.roomId,
          reader: device,
          bundleUpTo: stateUpTo ?? null,
          relatedIds: known ?? relatedIds,
          membershipAt: views.get(room.roomNid)?.membershipAt ?? isJoined,
        };
        return { events, view };
      }),
    );
    const now = clock.now();
    const shape = createShapeEvent(filter) ?? ((_event, usual) => usual);
    return new Map(
      wanted.map((room, index): [number, ToldRoom] => {
        const timeline = timelines.get(room.roomNid) ?? NO_TIMELINE;
        const [first] = timeline.events;
        const shown = new Set(request.wantsStateAfter ? [] : timeline.events.map((event) => event.eventId));
        const passesState = passesRoomFilter(room.roomId, filter?.room?.state);
        const state = passesState ? (states.get(room.roomNid) ?? []) : [];
        const before = first === undefined ? room.upTo : positionOf(first) - 1;
        const events = (rendered[index] ?? []).flatMap((usual, place) => {
          const event = timeline.events[place];
          return event === undefined ? [] : [shape(event, usual)];
        });
        return [
          room.roomNid,
          {
            positions: timeline.events.map(positionOf),
            timeline: {
              events,
              limited: timeline.isLimited || room.isNewlyJoined === true,
              prev_batch:
                first !== undefined && isBehindGap(first.topological)
                  ? formatToken({ kind: 'topological', topological: first.topological, eventNid: first.eventNid - 1 })
                  : formatToken({ kind: 'stream', position: Math.min(before, upTo), boot, volatile: 0 }),
            },
            state: state
              .filter((event) => !shown.has(event.eventId))
              .filter((event) => filter?.room?.state === undefined || passesFilter(readPdu(event.json), filter.room.state))
              .map((event) => shape(event, renderEvent(event, { roomId: room.roomId, reader: device, now }))),
            ...summaries.get(room.roomNid),
          },
        ];
      }),
    );
  };
}

/** Of a room about which there was no question. */
const isJoined = (): string => 'join';
const NO_TIMELINE: Timeline = { events: [], isLimited: false, hasHiddenChanges: false, hasMemberChanges: false, hasStateChanges: false };

/** For who wants no events: all there were stand behind the gap, whose end is the end of the room. */
function withoutEvents(timeline: Timeline): Timeline {
  return { ...timeline, events: [], isLimited: timeline.isLimited || timeline.events.length > 0 };
}

function endOfState(room: RoomToTell, first: StoredEvent | undefined, wantsStateAfter: boolean): number {
  return wantsStateAfter || first === undefined ? room.upTo : positionOf(first) - 1;
}

function senderOf(event: StoredEvent): string {
  return readPdu(event.json).sender;
}

function stateKeyOf(event: StoredEvent): string {
  return readPdu(event.json).state_key ?? '';
}
