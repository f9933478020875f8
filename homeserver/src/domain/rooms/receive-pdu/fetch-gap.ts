import { readEvent } from 'federation-spec/events/check-event-format.ts';
import { listAuthEventIds } from 'federation-spec/events/edges.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../../storage/database.ts';
import { listEventsById, type StoredEvent } from '../../../storage/events.ts';
import type { HotRoom } from '../hot-room.ts';
import { type CheckedPdu, checkPdus } from './check-pdu.ts';
import type { NidState } from './nid-state.ts';
import type { TakeOutlierRoom } from './outlier-budget.ts';
import { askedBy, type FindServerKey, type RoomPeers } from './room-peers.ts';
import type { OutlierRoom, StoreOutliers } from './store-outliers.ts';

/** How many further servers of the room are asked for a state that the one that sent an event does not have. */
const MAX_OTHER_SERVERS = 2;
/** From how many missing state events on the whole state is fetched in one answer. */
const MAX_SINGLE_FETCHES = 10;
/** Up to how many state events that nothing but history needs are fetched, and how long somebody who reads it waits for each answer. */
const MAX_HISTORY_STATE_EVENTS = 2_000;
const HISTORY_STATE_TIMEOUT_MS = 10_000;

type Deps = {
  database: Database;
  peers: RoomPeers;
  findServerKey: FindServerKey;
  storeOutliers: StoreOutliers;
  takeOutlierRoom: TakeOutlierRoom;
  serverName: string;
};

export type FetchGap = {
  /** Makes the event's auth events known, with what allows them in turn. */
  ensureAuthEvents: (room: HotRoom, origin: string, pdu: CheckedPdu) => Promise<void>;
  /** The state after an event that we lack, from the server that told us of it, or else another of the room. */
  stateAfterMissing: (room: HotRoom, origin: string, eventId: string) => Promise<NidState>;
  /** The state before an event of long ago, from one server; `undefined` when that does not give it, or it would be too much to fetch. */
  stateOfHistory: (room: HotRoom, origin: string, eventId: string) => Promise<NidState | undefined>;
};

/** Asks for what must be known before an event can be judged. https://spec.matrix.org/latest/server-server-api/#backfilling-and-retrieving-missing-events */
export function createFetchGap({ database, peers, findServerKey, storeOutliers, takeOutlierRoom, serverName }: Deps): FetchGap {
  const { sql } = database;
  const identify = (room: HotRoom): OutlierRoom => ({ roomNid: room.nid, roomId: room.roomId, rules: room.rules });

  async function listUnknown(room: HotRoom, eventIds: readonly string[]): Promise<string[]> {
    const known = new Set(
      (await listEventsById(sql, eventIds)).filter((event) => event.roomNid === room.nid).map((event) => event.eventId),
    );
    return eventIds.filter((id) => !known.has(id));
  }

  /** Stores what a server gave. Throws when it has given too much of late. */
  async function keep(room: HotRoom, origin: string, values: readonly JsonObject[]): Promise<void> {
    const identity = identify(room);
    await storeOutliers(identity, await checkPdus(values, identity, askedBy(origin, findServerKey)), (fresh) =>
      takeOutlierRoom(origin, fresh),
    );
  }

  async function fetchSingly(origin: string, eventIds: readonly string[]): Promise<JsonObject[]> {
    const events = await Promise.all(eventIds.map((id) => peers.fetchEvent(origin, id)));
    return events.filter((event) => event !== undefined);
  }

  return {
    ensureAuthEvents: async (room, origin, { event, eventId }) => {
      const authIds = listAuthEventIds(event);
      if ((await listUnknown(room, authIds)).length === 0) return;
      await keep(room, origin, await peers.fetchAuthChain(origin, room.roomId, eventId).catch(() => []));
      const unknown = await listUnknown(room, authIds);
      if (unknown.length > 0) await keep(room, origin, await fetchSingly(origin, unknown));
    },

    stateAfterMissing: async (room, origin, eventId) => {
      const others = [...room.joinedServers.keys()].filter((server) => server !== origin && server !== serverName);
      let failure: unknown;
      for (const server of [origin, ...others.slice(0, MAX_OTHER_SERVERS)]) {
        try {
          return await fetchStateAfter(room, server, eventId);
        } catch (error) {
          failure ??= error;
        }
      }
      throw failure;
    },

    stateOfHistory: async (room, origin, eventId) => {
      const limits = { maxEvents: MAX_HISTORY_STATE_EVENTS, timeoutMs: HISTORY_STATE_TIMEOUT_MS };
      const stateIds = await fetchState(room, origin, eventId, limits).catch(() => undefined);
      return stateIds === undefined ? undefined : stateOf(room, await listEventsById(sql, stateIds));
    },
  };

  /**
   * Has the state before an event stored, event by event from one server; resolves with the ids of what is in it, or with nothing when more
   * would have to be fetched than may be.
   */
  async function fetchState(
    room: HotRoom,
    origin: string,
    eventId: string,
    { maxEvents = Number.POSITIVE_INFINITY, timeoutMs }: { maxEvents?: number; timeoutMs?: number } = {},
  ): Promise<string[] | undefined> {
    const { stateIds, authChainIds } = await peers.fetchStateIds(origin, room.roomId, eventId, timeoutMs);
    const unknown = await listUnknown(room, [...new Set([...stateIds, ...authChainIds])]);
    if (unknown.length > maxEvents) return undefined;
    if (unknown.length > MAX_SINGLE_FETCHES) await keep(room, origin, await peers.fetchState(origin, room.roomId, eventId, timeoutMs));
    else await keep(room, origin, await fetchSingly(origin, unknown));
    return stateIds;
  }

  /**
   * The state after an event. What the server cannot give, or nobody is seen to have signed, is no part of it: keys of servers that are gone
   * must not keep everybody out. Throws when it does not give the event itself; when that has not the form of one, which no server may let into
   * a room, it changes nothing, and only the ones that build upon it are not to suffer.
   */
  async function fetchStateAfter(room: HotRoom, origin: string, eventId: string): Promise<NidState> {
    const stateIds = (await fetchState(room, origin, eventId)) ?? [];
    const given = await fetchSingly(origin, await listUnknown(room, [eventId]));
    await keep(room, origin, given);

    const stored = new Map((await listEventsById(sql, [...stateIds, eventId])).map((row) => [row.eventId, row]));
    const after = stored.get(eventId);
    const isNoEvent = given.length > 0 && !given.some((value) => readEvent(value, room.rules).ok);
    if (after === undefined && isNoEvent) return stateOf(room, [...stored.values()]);
    if (after?.roomNid !== room.nid) throw new Error(`${origin} told of a state of ${room.roomId} at ${eventId}, which it does not give`);
    stored.delete(eventId);
    return stateOf(room, [...stored.values(), after]);
  }
}

function stateOf(room: HotRoom, events: readonly StoredEvent[]): NidState {
  const state: NidState = new Map();
  for (const row of events) setKey(state, row, room);
  return state;
}

function setKey(state: NidState, row: StoredEvent, room: HotRoom): void {
  if (row.keyNid !== null && row.kind !== 'rejected' && row.roomNid === room.nid) state.set(row.keyNid, row.eventNid);
}
