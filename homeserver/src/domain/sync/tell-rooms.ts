import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/database.ts';
import { listRelatedIds } from '../../storage/relations.ts';
import { listStateLossesOfRooms } from '../../storage/sync.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import type { ClientEvent, RenderGroups } from '../rooms/render-events.ts';
import type { RoomView, ViewRooms } from '../rooms/visibility.ts';
import { createAddLazily } from './add-lazily.ts';
import { createHideUnseen } from './hide-unseen.ts';
import { createReadStates } from './read-states.ts';
import { createReadTimelines } from './read-timelines.ts';
import type { ListSummaries } from './room-summaries.ts';
import type { RoomToTell, StateStub, TellRequest, TellRooms, Timeline, ToldRoom } from './room-to-tell.ts';
import type { Ignored, SyncDevice } from './sources.ts';
import { createToToldRoom } from './told-room.ts';

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

type Timelines = ReadonlyMap<number, Timeline>;

/**
 * The timelines and states of many rooms, in a number of queries that does not grow with them. What the rooms in memory still hold needs none.
 *
 * 1. The newest events of each room, as far as the user may see them. 2. The state before them (or after, when asked for), and what is no
 * more of it. 3. Who is in the room, and by whom it is called. 4. The members who speak, or by whom the room is called, when members are
 * loaded lazily. 5. The events as clients see them.
 */
export function createTellRooms(deps: Deps): TellRooms {
  const { database, renderGroups, listSummaries, listIgnored, clock } = deps;
  const { sql } = database;
  const readTimelines = createReadTimelines(deps);
  const hideUnseen = createHideUnseen(deps);
  const readStates = createReadStates(deps);
  const addLazily = createAddLazily(deps);

  async function readSeen(wanted: readonly RoomToTell[], { device, filter }: TellRequest) {
    const limit = Math.min(filter?.room?.timeline?.limit ?? DEFAULT_TIMELINE, MAX_TIMELINE);
    const timelineFilter = { filter: filter?.room?.timeline, ignored: (await listIgnored(device.userNid)).nids };
    const read = await readTimelines(wanted, { limit: Math.max(limit, 1), filter: timelineFilter });
    const { seen, views } = await hideUnseen(wanted, read, device.userId);
    const timelines = limit === 0 ? new Map([...seen].map(([roomNid, timeline]) => [roomNid, withoutEvents(timeline)])) : seen;
    return { timelines, views };
  }

  async function readLosses(wanted: readonly RoomToTell[], timelines: Timelines): Promise<Map<number, StateStub[]>> {
    const asked = wanted.flatMap(({ roomNid, lostAfter: after, upTo }) => {
      const timeline = timelines.get(roomNid);
      const mayHaveLost = after !== undefined && timeline?.hasLostState !== false;
      return mayHaveLost ? [{ roomNid, after, upTo: Math.min(upTo, timeline?.stateUpTo ?? upTo) }] : [];
    });
    return Map.groupBy(await listStateLossesOfRooms(sql, asked), ({ roomNid }) => roomNid);
  }

  async function readSummaries(wanted: readonly RoomToTell[], timelines: Timelines, userId: string) {
    const changed = wanted.filter(({ roomNid, after, isLeft }) => {
      const timeline = timelines.get(roomNid);
      return !isLeft && (after === 0 || timeline?.isLimited === true || timeline?.hasMemberChanges === true);
    });
    return await listSummaries(
      changed.map((room) => room.roomNid),
      userId,
    );
  }

  /** The timelines' events, room by room. */
  async function render(
    wanted: readonly RoomToTell[],
    { timelines, views, device }: { timelines: Timelines; views: ReadonlyMap<number, RoomView>; device: SyncDevice },
  ): Promise<readonly (readonly ClientEvent[])[]> {
    const cold = [...timelines.values()].filter((timeline) => timeline.relatedIds === undefined);
    const relatedIds = await listRelatedIds(
      sql,
      cold.flatMap((timeline) => timeline.events.map((event) => event.eventId)),
    );
    return await renderGroups(
      wanted.map((room) => {
        const { events, stateUpTo, relatedIds: known } = timelines.get(room.roomNid) ?? NO_TIMELINE;
        const view = {
          roomId: room.roomId,
          reader: device,
          bundleUpTo: stateUpTo ?? null,
          relatedIds: known ?? relatedIds,
          membershipAt: views.get(room.roomNid)?.membershipAt ?? isJoined,
          sight: views.get(room.roomNid),
        };
        return { events, view };
      }),
    );
  }

  return async function tellRooms(wanted, request) {
    const { device, filter } = request;
    const { timelines, views } = await readSeen(wanted, request); // 1
    const rows = await readStates(wanted, timelines, request); // 2
    const losses = await readLosses(wanted, timelines);
    const states = new Map([...rows].map(([roomNid, ofRoom]) => [roomNid, ofRoom.map(({ event }) => event)]));
    const summaries = await readSummaries(wanted, timelines, device.userId); // 3
    const heroesOf = (roomNid: number) => summaries.get(roomNid)?.heroes ?? [];
    if (filter?.room?.state?.lazy_load_members === true) await addLazily(wanted, request, { timelines, states, heroesOf }); // 4
    const rendered = await render(wanted, { timelines, views, device }); // 5

    const toToldRoom = createToToldRoom(request, clock.now());
    return new Map(
      wanted.map((room, index): [number, ToldRoom] => {
        const { roomNid } = room;
        const timeline = timelines.get(roomNid) ?? NO_TIMELINE;
        const told = toToldRoom(room, { timeline, rendered: rendered[index] ?? [], state: states.get(roomNid) ?? [] });
        const lost = losses.get(roomNid);
        return [roomNid, { ...told, ...summaries.get(roomNid), ...(lost === undefined ? {} : { lost }) }];
      }),
    );
  };
}

/** Of a room about which there was no question. */
const isJoined = (): string => 'join';
const NO_TIMELINE: Timeline = {
  events: [],
  isLimited: false,
  hasHiddenChanges: false,
  hasMemberChanges: false,
  hasStateChanges: false,
  hasLostState: false,
};

/** For who wants no events: all there were stand behind the gap, whose end is the end of the room. */
function withoutEvents(timeline: Timeline): Timeline {
  return { ...timeline, events: [], isLimited: timeline.isLimited || timeline.events.length > 0 };
}
