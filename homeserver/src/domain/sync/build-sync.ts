import type { BasicEvent, ClientEvent } from 'federation-spec/api/schemas/events.ts';
import type { SyncFilter } from 'federation-spec/api/schemas/filters.ts';
import type { SyncResponse } from 'federation-spec/api/schemas/sync.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { UserMembership } from '../../storage/memberships.ts';
import { passesFilter, passesRoomFilter } from '../rooms/event-filter.ts';
import type { Log } from '../streams/log.ts';
import { formatToken, type StreamToken } from '../streams/token.ts';
import { assembleJoined, assembleLeft, isSilent } from './assemble-rooms.ts';
import type { TellRooms, ToldRoom } from './room-to-tell.ts';
import { isWhole, type SortedRooms, type SortRooms } from './sort-rooms.ts';
import type {
  AccountDataChange,
  AccountDataForSync,
  E2eeForSync,
  EphemeralForSync,
  Ignored,
  StickyForSync,
  UnreadForSync,
} from './sources.ts';
import type { ListStandings } from './standings.ts';
import type { StripRooms } from './strip-rooms.ts';
import type { SyncRequest } from './sync-request.ts';

/** Most messages from device to device in one answer; the rest comes with the next. */
const MAX_TO_DEVICE = 100;
/** Most events in one answer that everybody is brought since the last; and most in a first one, or of a room that is new to the client. */
const MAX_STICKY = 500;
const MAX_STICKY_AT_FIRST = 5_000;
const IGNORED_USERS = 'm.ignored_user_list';

export type BuildRequest = Omit<SyncRequest, 'since'> & { since: StreamToken | undefined };

/** One answer as things stand. `isEmpty`: there is nothing in it worth waking a client for; `isCut`: more is there than it holds. */
export type BuildSync = (request: BuildRequest) => Promise<{ response: SyncResponse; isEmpty: boolean; isCut: boolean }>;

type Deps = {
  log: Log;
  listStandings: ListStandings;
  sortRooms: SortRooms;
  tellRooms: TellRooms;
  stripRooms: StripRooms;
  e2ee: E2eeForSync;
  accountData: AccountDataForSync;
  ephemeral: EphemeralForSync;
  unread: UnreadForSync;
  sticky: StickyForSync;
};

type RoomExtras = {
  rooms: UserMembership[];
  events: ReadonlyMap<number, readonly JsonObject[]>;
  data: readonly AccountDataChange[];
  /** By room id. */
  sticky: ReadonlyMap<string, readonly { event: ClientEvent }[]>;
  counts: Awaited<ReturnType<UnreadForSync['count']>>;
  /** Rooms whose counts changed for another reason than a new event. */
  recounted: ReadonlySet<number>;
};

/**
 * 1. What everybody is brought, and the messages to the device: they may end the answer before the newest position. 2. The account data, and the rooms that changed, by the
 * user's standing in them. 3. What is told of each. 4. What belongs to no room.
 */
export function createBuildSync(deps: Deps): BuildSync {
  const { log, listStandings, sortRooms, tellRooms, stripRooms, e2ee, accountData, ephemeral, unread, sticky } = deps;

  /** Rooms without new events may still have receipts, typing, tags or other counts to tell of. */
  async function readRoomExtras(
    { device, since }: BuildRequest,
    {
      standings,
      sorted,
      upTo,
      changes,
      ignored,
    }: {
      standings: readonly UserMembership[];
      sorted: SortedRooms;
      upTo: number;
      changes: readonly AccountDataChange[];
      ignored: Ignored;
    },
  ): Promise<RoomExtras> {
    const memberships = standings.filter((room) => room.membership === 'join');
    const range = { after: since?.position ?? 0, upTo };
    const fresh = new Set(sorted.joined.filter((room) => room.after === 0).map((room) => room.roomNid));
    const others = memberships.map((room) => room.roomNid).filter((roomNid) => !fresh.has(roomNid));
    const stuck = memberships.map(({ roomNid, roomId }) => ({ roomNid, roomId, after: fresh.has(roomNid) ? 0 : range.after }));
    const reader = { ...device, ignored: ignored.nids };
    const [older, newer, whole, counted, shown] = await Promise.all([
      ephemeral.listRoomEphemeral({ userNid: device.userNid, roomNids: others, after: since, upTo }),
      ephemeral.listRoomEphemeral({ userNid: device.userNid, roomNids: [...fresh], after: undefined, upTo }),
      since === undefined || fresh.size === 0 ? [] : accountData.listChanges(device, { after: 0, upTo }),
      since === undefined ? [] : unread.changedRooms({ userNid: device.userNid, ...range }),
      sticky.list(stuck, { reader, upTo, limit: MAX_STICKY_AT_FIRST }),
    ]);
    const stickyOf = Map.groupBy(shown, ({ roomId }) => roomId);
    const ofRooms = new Set(changes.map(({ roomNid, type }) => `${roomNid} ${type}`));
    const untold = whole.filter(({ roomNid, type }) => roomNid !== null && fresh.has(roomNid) && !ofRooms.has(`${roomNid} ${type}`));
    const data = [...changes, ...untold];
    const events = new Map([...older, ...newer]);
    const touched = new Set([
      ...sorted.joined.map((room) => room.roomNid),
      ...counted,
      ...events.keys(),
      ...data.flatMap((change) => change.roomNid ?? []),
    ]);
    const rooms = memberships.filter((room) => touched.has(room.roomNid) || stickyOf.has(room.roomId));
    const counts = await unread.count(
      device,
      rooms.map((room) => room.roomNid),
    );
    return { rooms, events, data, sticky: stickyOf, counts, recounted: new Set(counted) };
  }

  function assembleRooms(
    { since, filter, wantsStateAfter, isFullState }: BuildRequest,
    { extras, sorted, told, end }: { extras: RoomExtras; sorted: SortedRooms; told: ReadonlyMap<number, ToldRoom>; end: string },
  ) {
    const join: NonNullable<NonNullable<SyncResponse['rooms']>['join']> = {};
    const dataOf = Map.groupBy(extras.data, (change) => change.roomNid);
    const fresh = new Set(sorted.joined.filter((room) => room.after === 0).map((room) => room.roomNid));
    const ofRoom = filter?.room;
    for (const { roomNid, roomId } of extras.rooms) {
      const events = passesRoomFilter(roomId, ofRoom?.ephemeral) ? (extras.events.get(roomNid) ?? []) : [];
      const data = passesRoomFilter(roomId, ofRoom?.account_data) ? (dataOf.get(roomNid) ?? []).map(toAccountDataEvent) : [];
      const inTimeline = new Set(told.get(roomNid)?.timeline.events.map((event) => event.event_id));
      const stuck = (extras.sticky.get(roomId) ?? []).map(({ event }) => event).filter((event) => !inTimeline.has(event.event_id));
      const room = assembleJoined(told.get(roomNid), wantsStateAfter, {
        ephemeral: events.filter((event) => passesBasicFilter(event, ofRoom?.ephemeral)) as BasicEvent[],
        accountData: data.filter((event) => passesBasicFilter(event, ofRoom?.account_data)),
        sticky: stuck,
        counts: extras.counts.get(roomNid),
        countsByThread: ofRoom?.timeline?.unread_thread_notifications === true,
        end,
      });
      const isTold = since === undefined || isFullState || fresh.has(roomNid) || extras.recounted.has(roomNid);
      if (isTold || !isSilent(room)) join[roomId] = room;
    }
    const leave = Object.fromEntries(
      sorted.left.map(({ roomNid, roomId }) => [roomId, assembleLeft(told.get(roomNid), wantsStateAfter, end)]),
    );
    return { join, leave };
  }

  /** Rooms that the user is not in yet. */
  async function tellFromOutside({ invited, knocked }: SortedRooms) {
    const stripped = await stripRooms([...invited, ...knocked]);
    const eventsOf = ({ roomNid }: UserMembership) => ({ events: stripped.get(roomNid) ?? [] });
    return {
      invite: Object.fromEntries(invited.map((room) => [room.roomId, { invite_state: eventsOf(room) }])),
      knock: Object.fromEntries(knocked.map((room) => [room.roomId, { knock_state: eventsOf(room) }])),
    };
  }

  /** How far the answer goes: not beyond what everybody is brought, nor beyond the messages to the device, where these are too many. */
  async function findReach({ device, since }: BuildRequest) {
    const position = log.position();
    const after = since?.position ?? 0;
    const standings = await listStandings(device, position);
    const reach = since === undefined ? position : await sticky.reach(nidsJoined(standings), { after, upTo: position, limit: MAX_STICKY });
    const toDevice = await e2ee.listToDevice(device, { after, upTo: reach, limit: MAX_TO_DEVICE });
    const { upTo } = toDevice;
    return { toDevice, upTo, isCut: upTo < position, standings: upTo === position ? standings : await listStandings(device, upTo) };
  }

  return async function buildSync(request) {
    const { device, since, filter } = request;

    // 1. How far the answer goes.
    const { boot, volatile } = ephemeral.volatileNow();
    const after = since?.position ?? 0;
    const { toDevice, upTo, isCut, standings: all } = await findReach(request);
    const end = formatToken({ kind: 'stream', position: upTo, boot, volatile });

    // 2. The account data and the rooms.
    const [changes, ignored] = await Promise.all([
      accountData.listChanges(device, { after, upTo }),
      accountData.listIgnored(device.userNid),
    ]);
    const isLazy = filter?.room?.state?.lazy_load_members === true;
    const standings = all.filter(
      (room) => passesRoomFilter(room.roomId, filter?.room) && (isLazy || room.membership !== 'join' || isWhole(room, upTo)),
    );
    const sorted = await sortRooms(standings, {
      device,
      after: since?.position,
      upTo,
      isFullState: request.isFullState,
      includesLeft: filter?.room?.include_leave === true,
      retellsInvites: changes.some(({ roomNid, type }) => roomNid === null && type === IGNORED_USERS),
      ignored,
      isLazy,
    });
    const extras = await readRoomExtras(request, { standings, sorted, upTo, changes, ignored });

    // 3. What is told of them.
    const told = await tellRooms([...sorted.joined, ...sorted.left], {
      device,
      upTo,
      boot,
      filter,
      wantsStateAfter: request.wantsStateAfter,
      toldMembersAt: filter?.room?.state?.include_redundant_members === true ? undefined : after,
    });
    const { join, leave } = assembleRooms(request, { extras, sorted, told, end });
    const { invite, knock } = await tellFromOutside(sorted);

    // 4. The rest.
    const presence = await ephemeral.listPresence({ userNid: device.userNid, after: since });
    const global = changes.filter((change) => change.roomNid === null).map(toAccountDataEvent);
    const accountEvents = global.filter((event) => passesBasicFilter(event, filter?.account_data));
    const presenceEvents = presence.filter((event) => passesBasicFilter(event, filter?.presence)) as BasicEvent[];
    const lists = since === undefined ? { changed: [], left: [] } : await e2ee.listDeviceListChanges({ ...device, after, upTo });
    const keys = await e2ee.countKeys(device);

    const news = {
      ...nonEmpty({ rooms: nonEmpty({ join, invite, knock, leave }) }),
      ...nonEmpty({ device_lists: nonEmpty(lists) }),
      ...eventsUnder('presence', presenceEvents),
      ...eventsUnder('account_data', accountEvents),
      ...eventsUnder('to_device', toDevice.events),
    };
    return {
      isEmpty: Object.keys(news).length === 0,
      isCut,
      response: {
        next_batch: end,
        ...news,
        device_one_time_keys_count: keys.oneTimeKeys,
        device_unused_fallback_key_types: keys.unusedFallbackTypes,
        'org.matrix.msc2732.device_unused_fallback_key_types': keys.unusedFallbackTypes,
      } as SyncResponse,
    };
  };
}

function nidsJoined(standings: readonly UserMembership[]): number[] {
  return standings.filter(({ membership }) => membership === 'join').map(({ roomNid }) => roomNid);
}

/** Those of the parts that have something in them. */
function nonEmpty<Parts extends Record<string, object>>(parts: Parts): Partial<Parts> {
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0)) as Partial<Parts>;
}

function eventsUnder(key: string, events: readonly unknown[]) {
  return events.length === 0 ? {} : { [key]: { events } };
}

function toAccountDataEvent({ type, content }: AccountDataChange): BasicEvent {
  return { type, content: JSON.parse(content) as JsonObject };
}

function passesBasicFilter(event: JsonObject | BasicEvent, filter: NonNullable<SyncFilter['presence']> | undefined): boolean {
  const { type, sender, content } = event as BasicEvent;
  return passesFilter({ type, sender: sender ?? '', content }, filter);
}
