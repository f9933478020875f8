import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import type { Database, Sql } from '../../storage/database.ts';
import { findEvent } from '../../storage/events.ts';
import { membershipNumber } from '../../storage/memberships.ts';
import {
  findHolderAmong,
  finishPartialRoom,
  insertLateMemberships,
  insertLateState,
  isStillPartial,
  layStateBeforeJoin,
  listStateEntries,
  type PartialRoom,
  type StateEntryRow,
} from '../../storage/partial-rooms.ts';
import { countJoinedByServer } from '../../storage/rooms.ts';
import type { Log } from '../streams/log.ts';
import { MEMBER } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { Interner } from './interner.ts';
import type { PartialRooms } from './partial-rooms.ts';
import type { RecheckHistory } from './receive-pdu/recheck-history.ts';
import type { RecheckEvents } from './recheck-events.ts';

/** How many entries of the state are written in one batch of the log; other events get in between. */
const CHUNK = 1_000;

/** Makes the state before our join, all of whose events are stored, the room's, and tells who waits. */
export type CompleteRoom = (room: PartialRoom, stateIds: readonly string[]) => Promise<void>;

/** Tells servers, of which it was not known that they are in a room, whose devices there changed after a position. */
export type TellLateServers = (room: { roomNid: number; after: number }, servers: readonly string[]) => Promise<void>;

type Deps = {
  database: Database;
  log: Log;
  rooms: HotRooms;
  interner: Interner;
  partialRooms: PartialRooms;
  recheckEvents: RecheckEvents;
  recheckHistory: RecheckHistory;
  tellLateServers: TellLateServers;
  serverName: string;
};

/**
 * 1. The state before the join is told by the room's, so that it grows with it. 2. The entries become part of the state from the join on,
 * in batches; they go by the log because only it may move a room's state. 3. Servers that nobody knew to be there are told whose devices
 * changed since the join. 4. The room is whole, and sync is woken. 5. What was received meanwhile is checked again, now against all of the
 * state.
 */
export function createCompleteRoom({
  database,
  log,
  rooms,
  interner,
  partialRooms,
  recheckEvents,
  recheckHistory,
  tellLateServers,
  serverName,
}: Deps): CompleteRoom {
  const { sql } = database;

  async function toMembers(entries: readonly StateEntryRow[]) {
    const members = entries.filter((entry) => entry.type === MEMBER && membershipNumber(entry.membership) !== 0);
    const nids = await interner.userNids(members.map((entry) => entry.stateKey));
    return members.map(({ stateKey, membership, eventNid }) => ({
      userNid: nids.get(stateKey) ?? 0,
      membership: membershipNumber(membership),
      eventNid,
    }));
  }

  async function write(room: PartialRoom, entries: readonly StateEntryRow[]): Promise<void> {
    const members = await toMembers(entries);
    await log.append({
      rows: [
        {
          write: async (tx, position) => {
            if (!(await isStillPartial(tx, room))) return;
            await insertLateState(tx, room.roomNid, { from: room.joinPosition, entries });
            await insertLateMemberships(tx, room.roomNid, { position, members });
          },
          wakes: {},
        },
      ],
    });
  }

  return async (room, stateIds) => {
    const join = await findEvent(sql, room.joinEventId);
    if (join?.keyNid == null) throw new Error(`the join ${room.joinEventId} is not stored`);
    const { keyNid } = join;
    const hot = await rooms.load(room.roomId);
    const inTurn = <Done>(act: () => Promise<Done>) => (hot === undefined ? act() : hot.turns.take(act));
    const before = (await findHolderAmong(sql, room.roomNid, keyNid, stateIds)) ?? null;
    const lay = async (tx: Sql) => {
      if (await isStillPartial(tx, room)) await layStateBeforeJoin(tx, { ...room, keyNid, before });
    };
    await inTurn(() => log.append({ rows: [{ write: lay, wakes: {} }] })); // 1

    for (let start = 0; start < stateIds.length; start += CHUNK) {
      const entries = await listStateEntries(sql, room.roomNid, stateIds.slice(start, start + CHUNK)); // 2
      const others = entries.filter((entry) => entry.keyNid !== keyNid);
      await write(room, [...new Map(others.map((entry) => [entry.keyNid, entry])).values()]); // one to a key, whatever was told
      await nextTurnOfLoop();
    }

    const expected = new Set([...room.servers, room.resident, serverName]);
    const late = [...(await countJoinedByServer(sql, room.roomNid)).keys()].filter((server) => !expected.has(server));
    await tellLateServers({ roomNid: room.roomNid, after: room.joinPosition }, late); // 3

    const finish = async () => {
      const local = [...(hot?.localJoined ?? [])];
      const { to } = await log.append({
        rows: [
          {
            write: async (tx, position) => {
              if (await isStillPartial(tx, room)) await finishPartialRoom(tx, { roomNid: room.roomNid, position });
            },
            wakes: { users: local, membershipsOf: local, rooms: [room.roomNid] },
          },
        ],
      }); // 4
      hot?.becameWhole(await countJoinedByServer(sql, room.roomNid));
      return to;
    };
    const upTo = await inTurn(finish);
    partialRooms.ended(room.roomNid);
    await recheckEvents({ roomNid: room.roomNid, roomId: room.roomId, after: room.joinPosition, upTo }); // 5
    const whole = await rooms.load(room.roomId);
    if (whole !== undefined) await recheckHistory(whole, room.resident);
  };
}
