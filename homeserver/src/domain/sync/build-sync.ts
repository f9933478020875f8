import type { BasicEvent } from 'federation-spec/api/schemas/events.ts';
import type { InvitedRoom, JoinedRoom, LeftRoom, SyncResponse, ToDeviceEvent } from 'federation-spec/api/schemas/sync.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import type { UserMembership } from '../../storage/memberships.ts';
import { listRoomsJoinedAt } from '../../storage/sync.ts';
import { passesFilter, passesRoomFilter } from '../rooms/event-filter.ts';
import type { Log } from '../streams/log.ts';
import { formatToken, type StreamToken } from '../streams/token.ts';
import type { RoomToTell, TellRooms, ToldRoom } from './joined-rooms.ts';
import type { RoomActivity } from './room-activity.ts';
import type { AccountDataChange, AccountDataForSync, E2eeForSync, EphemeralForSync, UnreadCounts, UnreadForSync } from './sources.ts';
import type { ListStandings } from './standings.ts';
import type { StripRoom } from './strip-room.ts';
import type { SyncRequest } from './sync-request.ts';

/** Most messages from device to device in one answer; the rest comes with the next. */
const MAX_TO_DEVICE = 100;

export type BuildRequest = Omit<SyncRequest, 'since'> & { since: StreamToken | undefined };

/** One answer as things stand. `isEmpty` says that there is nothing in it worth waking a client for. */
export type BuildSync = (request: BuildRequest) => Promise<{ response: SyncResponse; isEmpty: boolean }>;

type Deps = {
  database: Database;
  log: Log;
  listStandings: ListStandings;
  activity: RoomActivity;
  tellRooms: TellRooms;
  stripRoom: StripRoom;
  e2ee: E2eeForSync;
  accountData: AccountDataForSync;
  ephemeral: EphemeralForSync;
  unread: UnreadForSync;
};

/** The rooms of an answer, sorted by what is to be told of them. */
type Sorted = { joined: RoomToTell[]; left: RoomToTell[]; invited: UserMembership[]; knocked: UserMembership[] };

/**
 * 1. The messages to the device: they may end the answer before the newest position. 2. The rooms that changed, by the user's standing in them.
 * 3. What is told of each. 4. What belongs to no room.
 */
export function createBuildSync(deps: Deps): BuildSync {
  const { database, log, listStandings, activity, tellRooms, stripRoom, e2ee, accountData, ephemeral, unread } = deps;

  async function sortRooms(request: BuildRequest, memberships: readonly UserMembership[], upTo: number): Promise<Sorted> {
    const { device, filter, since, isFullState } = request;
    const after = since?.position ?? 0;
    const joined = memberships.filter((room) => room.membership === 'join');
    const moved = joined.filter((room) => room.position > after).map((room) => room.roomNid);
    const wereJoined = since === undefined ? new Set<number>() : await listRoomsJoinedAt(database.sql, device.userId, moved, after);
    const isActive = await activity.isActiveSince(after);

    const toTell = (room: UserMembership): RoomToTell => {
      const isNew = since === undefined || (room.position > after && !wereJoined.has(room.roomNid));
      const stateAfter = isNew || isFullState ? 0 : after;
      return {
        roomNid: room.roomNid,
        roomId: room.roomId,
        after: isNew ? 0 : after,
        stateAfter,
        upTo,
        since: room.position,
        isLeft: false,
      };
    };
    const isGone = ({ membership }: UserMembership): boolean => membership === 'leave' || membership === 'ban';
    const tellsLeft = since !== undefined || filter?.room?.include_leave === true;
    return {
      joined: joined.filter((room) => since === undefined || isFullState || room.position > after || isActive(room.roomNid)).map(toTell),
      left: memberships
        .filter((room) => tellsLeft && isGone(room) && room.position > after)
        .map(({ roomNid, roomId, position }) => ({
          roomNid,
          roomId,
          after,
          stateAfter: after,
          upTo: position,
          since: position,
          isLeft: true,
        })),
      invited: memberships.filter((room) => room.membership === 'invite' && room.position > after),
      knocked: memberships.filter((room) => room.membership === 'knock' && room.position > after),
    };
  }

  /** Rooms without new events may still have receipts, typing, tags or other counts to tell of. */
  async function readRoomExtras(request: BuildRequest, standings: readonly UserMembership[], upTo: number, sorted: Sorted) {
    const { device, since } = request;
    const memberships = standings.filter((room) => room.membership === 'join');
    const range = { after: since?.position ?? 0, upTo };
    const fresh = sorted.joined.filter((room) => room.after === 0).map((room) => room.roomNid);
    const others = memberships.map((room) => room.roomNid).filter((roomNid) => !fresh.includes(roomNid));
    const [older, newer, changes, whole, counted] = await Promise.all([
      ephemeral.listRoomEphemeral({ userNid: device.userNid, roomNids: others, after: since, upTo }),
      ephemeral.listRoomEphemeral({ userNid: device.userNid, roomNids: fresh, after: undefined, upTo }),
      accountData.listChanges(device, range),
      since === undefined || fresh.length === 0 ? [] : accountData.listChanges(device, { after: 0, upTo }),
      since === undefined ? [] : unread.changedRooms({ userNid: device.userNid, ...range }),
    ]);
    const data = [...changes, ...whole.filter((change) => change.roomNid !== null && fresh.includes(change.roomNid))];
    const events = new Map([...older, ...newer]);
    const touched = new Set([
      ...sorted.joined.map((room) => room.roomNid),
      ...counted,
      ...events.keys(),
      ...data.flatMap((change) => change.roomNid ?? []),
    ]);
    const rooms = memberships.filter((room) => touched.has(room.roomNid));
    const counts = await unread.count(
      device,
      rooms.map((room) => room.roomNid),
    );
    return { rooms, events, data, counts };
  }

  return async function buildSync(request) {
    const { device, since, filter } = request;

    // 1. The messages to the device.
    const { boot, volatile } = ephemeral.volatileNow();
    const after = since?.position ?? 0;
    const toDevice = await e2ee.listToDevice(device, { after, upTo: log.position(), limit: MAX_TO_DEVICE });
    const upTo = toDevice.upTo;

    // 2. The rooms.
    const standings = (await listStandings(device, upTo)).filter((room) => passesRoomFilter(room.roomId, filter?.room));
    const sorted = await sortRooms(request, standings, upTo);
    const extras = await readRoomExtras(request, standings, upTo, sorted);

    // 3. What is told of them.
    const told = await tellRooms([...sorted.joined, ...sorted.left], {
      device,
      upTo,
      boot,
      filter,
      wantsStateAfter: request.wantsStateAfter,
    });
    const join: Record<string, JoinedRoom> = {};
    for (const room of extras.rooms) {
      const events = (extras.events.get(room.roomNid) ?? []).filter((event) => passesBasicFilter(event, filter?.room?.ephemeral));
      const tellable = extras.data.filter((change) => change.roomNid === room.roomNid).map(toAccountDataEvent);
      join[room.roomId] = assembleJoined(told.get(room.roomNid), request.wantsStateAfter, {
        ephemeral: events as BasicEvent[],
        accountData: tellable.filter((event) => passesBasicFilter(event, filter?.room?.account_data)),
        counts: extras.counts.get(room.roomNid),
        countsByThread: filter?.room?.timeline?.unread_thread_notifications === true,
      });
    }
    const leave: Record<string, LeftRoom> = {};
    for (const room of sorted.left) leave[room.roomId] = assembleLeft(told.get(room.roomNid), request.wantsStateAfter);
    const invite: Record<string, InvitedRoom> = {};
    for (const room of sorted.invited) invite[room.roomId] = { invite_state: { events: await stripRoom(room) } };
    const knock: Record<string, { knock_state: { events: Awaited<ReturnType<StripRoom>> } }> = {};
    for (const room of sorted.knocked) knock[room.roomId] = { knock_state: { events: await stripRoom(room) } };

    // 4. The rest.
    const presence = await ephemeral.listPresence({ userNid: device.userNid, after: since });
    const global = extras.data.filter((change) => change.roomNid === null).map(toAccountDataEvent);
    const accountEvents = global.filter((event) => passesBasicFilter(event, filter?.account_data));
    const presenceEvents = presence.filter((event) => passesBasicFilter(event, filter?.presence)) as BasicEvent[];
    const lists = since === undefined ? { changed: [], left: [] } : await e2ee.listDeviceListChanges({ ...device, after, upTo });
    const keys = await e2ee.countKeys(device);

    const isEmpty =
      Object.keys(join).length + Object.keys(leave).length + Object.keys(invite).length + Object.keys(knock).length === 0 &&
      toDevice.events.length + accountEvents.length + presenceEvents.length + lists.changed.length + lists.left.length === 0;
    return {
      isEmpty,
      response: {
        next_batch: formatToken({ kind: 'stream', position: upTo, boot, volatile }),
        rooms: { join, invite, knock, leave },
        presence: { events: presenceEvents },
        account_data: { events: accountEvents },
        to_device: { events: toDevice.events as unknown as ToDeviceEvent[] },
        device_lists: lists,
        device_one_time_keys_count: keys.oneTimeKeys,
        device_unused_fallback_key_types: keys.unusedFallbackTypes,
        'org.matrix.msc2732.device_unused_fallback_key_types': keys.unusedFallbackTypes,
      } as SyncResponse,
    };
  };
}

type Extras = { ephemeral: BasicEvent[]; accountData: BasicEvent[]; counts: UnreadCounts | undefined; countsByThread: boolean };

function assembleJoined(told: ToldRoom | undefined, wantsStateAfter: boolean, extras: Extras): JoinedRoom {
  const { counts } = extras;
  const byThread = extras.countsByThread ? (counts?.byThread ?? new Map()) : undefined;
  const inThreads = [...(counts?.byThread?.values() ?? [])];
  const folded = (pick: 'notifications' | 'highlights'): number =>
    (counts?.[pick] ?? 0) + (byThread === undefined ? inThreads.reduce((sum, thread) => sum + thread[pick], 0) : 0);
  return {
    ...assembleLeft(told, wantsStateAfter),
    ...(told?.summary === undefined ? {} : { summary: told.summary }),
    ephemeral: { events: extras.ephemeral },
    account_data: { events: extras.accountData },
    unread_notifications: { notification_count: folded('notifications'), highlight_count: folded('highlights') },
    ...(byThread === undefined
      ? {}
      : {
          unread_thread_notifications: Object.fromEntries(
            [...byThread].map(([root, thread]) => [root, { notification_count: thread.notifications, highlight_count: thread.highlights }]),
          ),
        }),
  };
}

function assembleLeft(told: ToldRoom | undefined, wantsStateAfter: boolean): LeftRoom {
  const state = { events: told?.state ?? [] };
  return {
    timeline: told?.timeline ?? { events: [], limited: false },
    ...(wantsStateAfter ? { state_after: state, 'org.matrix.msc4222.state_after': state } : { state }),
    account_data: { events: [] },
  };
}

function toAccountDataEvent({ type, content }: AccountDataChange): BasicEvent {
  return { type, content: JSON.parse(content) as JsonObject };
}

function passesBasicFilter(event: JsonObject | BasicEvent, filter: Parameters<typeof passesFilter>[1]): boolean {
  const { type, sender, content } = event as BasicEvent;
  return passesFilter({ type, sender: sender ?? '', content }, filter);
}
