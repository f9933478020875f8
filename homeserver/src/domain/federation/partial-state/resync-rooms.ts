import { setTimeout as delay } from 'node:timers/promises';
import { roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Random } from '../../../platform/random.ts';
import { createSlots } from '../../../platform/slots.ts';
import type { Database, Sql } from '../../../storage/database.ts';
import {
  abandonPartialRoom,
  isStillPartial,
  listPartialRooms,
  type PartialRoom,
  showPartialRoom,
  wasPutOutByOthers,
} from '../../../storage/partial-rooms.ts';
import type { CompleteRoom } from '../../rooms/complete-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import type { PartialRooms } from '../../rooms/partial-rooms.ts';
import type { Log } from '../../streams/log.ts';
import type { IsUnreachable } from '../circuit-breaker.ts';
import { FederationError } from '../federation-error.ts';
import { retryDelayMs } from '../outbound/backoff.ts';
import type { FetchWholeState } from './fetch-whole-state.ts';

/** How many rooms are completed at a time. */
const MAX_PARALLEL_ROOMS = 2;
/** Most servers that are asked in one round. */
const MAX_SERVERS = 10;
/** A room that nobody could complete for so long is shown as it is to those who wait for all of its members. */
const SHOWN_AFTER_MS = 60_000;
/** How often a room out of which others have put the last of us is tried: it may be that they could not. */
const MAX_ROUNDS_OUTSIDE = 6;
/** A room is given up never, but it is tried again at least so often. */
const MAX_WAIT_MS = 600_000;

/** Completes rooms that were joined without most of their memberships: in the background, across restarts, until it succeeds. */
export type ResyncRooms = {
  /** A room was joined so. */
  wake: () => Promise<void>;
  stop: () => Promise<void>;
};

type Deps = {
  database: Database;
  log: Log;
  rooms: HotRooms;
  partialRooms: PartialRooms;
  fetchWholeState: FetchWholeState;
  completeRoom: CompleteRoom;
  isUnreachable: IsUnreachable;
  serverName: string;
  clock: Clock;
  random: Random;
  logger: Logger;
};

export function createResyncRooms(deps: Deps): ResyncRooms {
  const { database, log, rooms, partialRooms, fetchWholeState, completeRoom, isUnreachable, serverName, clock, random, logger } = deps;
  const running = new Map<number, Promise<void>>();
  const slots = createSlots(MAX_PARALLEL_ROOMS);
  const stopping = new AbortController();

  async function complete(room: PartialRoom): Promise<void> {
    const since = clock.now();
    let isShown = false;
    for (let failures = 1; !stopping.signal.aborted; failures += 1) {
      if (!(await isStillPartial(database.sql, room))) return partialRooms.ended(room.roomNid);
      const presence = await findPresence(room);
      if (presence === 'gone') return await abandon(room);
      const outcome = await slots.run(() => tryServers(room, failures - 1));
      if (outcome === 'completed') return;
      if (presence === 'put-out' && (outcome === 'refused' || failures >= MAX_ROUNDS_OUTSIDE)) return await abandon(room);
      if (!isShown && !stopping.signal.aborted && clock.now() - since >= SHOWN_AFTER_MS) {
        isShown = true;
        await showAsItIs(room);
      }
      const waitMs = Math.min(MAX_WAIT_MS, retryDelayMs(failures, random));
      await delay(waitMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  }

  /**
   * Whether somebody of ours is in the room. Who was put out by others may have been so by an event that is believed only for what is not
   * known yet; who let us in knows better, and gives the state to who is in the room.
   */
  async function findPresence(room: PartialRoom): Promise<'there' | 'put-out' | 'gone'> {
    const hot = await rooms.load(room.roomId);
    if (hot?.joinedServers.has(serverName) === true) return 'there';
    return (await wasPutOutByOthers(database.sql, room.roomNid)) ? 'put-out' : 'gone';
  }

  /** Nobody of ours is there any more, so that nobody would tell us. */
  async function abandon(room: PartialRoom): Promise<void> {
    await abandonPartialRoom(database.sql, room.roomNid);
    rooms.evict(room.roomNid);
    partialRooms.ended(room.roomNid);
  }

  /** Members who are not known are missing from it, until somebody tells of them after all. */
  async function showAsItIs({ roomNid, roomId }: PartialRoom): Promise<void> {
    const local = [...((await rooms.load(roomId))?.localJoined ?? [])];
    const write = (tx: Sql, position: number) => showPartialRoom(tx, { roomNid, position });
    await log.append({ rows: [{ write, wakes: { users: local, membershipsOf: local, rooms: [roomNid] } }] });
    partialRooms.shownAsItIs(roomNid);
    logger.warn({ roomId }, 'nobody gives the rest of a room; it is shown as it is');
  }

  /** The one by which we joined, and each time others of the room; first those that can be reached. */
  function listServers({ resident, servers }: PartialRoom, round: number): string[] {
    const others = [...new Set(servers)].filter((server) => server !== serverName && server !== resident);
    const start = others.length === 0 ? 0 : (round * (MAX_SERVERS - 1)) % others.length;
    const turned = [resident, ...others.slice(start), ...others.slice(0, start)];
    const likely = turned.filter((server) => !isUnreachable(server));
    return [...new Set([...likely, ...turned])].slice(0, MAX_SERVERS);
  }

  /** `refused`: no server gives the state to us, and all have said so. */
  async function tryServers(room: PartialRoom, round: number): Promise<'completed' | 'refused' | 'failed'> {
    const rules = roomVersionRules(room.version);
    if (rules === undefined) throw new Error(`the room ${room.roomId} is stored with the unknown version ${room.version}`);
    let outcome: 'refused' | 'failed' = 'refused';
    for (const origin of listServers(room, round)) {
      if (stopping.signal.aborted) return 'failed';
      try {
        const stateIds = await fetchWholeState(room, rules, origin);
        if (stopping.signal.aborted) return 'failed';
        await completeRoom(room, stateIds);
        return 'completed';
      } catch (error) {
        if (!(error instanceof FederationError && error.errcode === 'M_FORBIDDEN')) outcome = 'failed';
        if (!stopping.signal.aborted)
          logger.warn({ origin, roomId: room.roomId, err: error }, 'a server could not give the rest of a room');
      }
    }
    return outcome;
  }

  async function wake(): Promise<void> {
    if (stopping.signal.aborted) return;
    for (const room of await listPartialRooms(database.sql)) {
      if (running.has(room.roomNid)) continue;
      const work = complete(room)
        .catch((error: unknown) =>
          logger.error({ roomId: room.roomId, err: error }, 'a room could not be completed; a restart takes it up again'),
        )
        .finally(() => running.delete(room.roomNid));
      running.set(room.roomNid, work);
    }
  }

  return {
    wake,
    stop: async () => {
      stopping.abort();
      await Promise.all(running.values());
    },
  };
}
