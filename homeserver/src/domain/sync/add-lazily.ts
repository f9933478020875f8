import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { listMembersOfRooms } from '../../storage/sync.ts';
import { MEMBER } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import { positionOf } from '../streams/log-batch.ts';
import { createLazyMembers } from './lazy-members.ts';
import type { RoomToTell, TellRequest, Timeline } from './room-to-tell.ts';

type Deps = { database: Database; rooms: HotRooms };

/** The timelines that are told, the state as far as it is known, and by whom each room is called. */
type Known = {
  timelines: ReadonlyMap<number, Timeline>;
  states: Map<number, StoredEvent[]>;
  heroesOf: (roomNid: number) => readonly string[];
};

/**
 * Puts into the states the members that a lazy client needs beside those whose membership changed, less those it was told of already.
 * https://spec.matrix.org/latest/client-server-api/#lazy-loading-room-members
 */
export function createAddLazily({ database, rooms }: Deps) {
  const lazyMembers = createLazyMembers();

  function knownTo(room: RoomToTell, request: TellRequest): ReadonlyMap<string, string> {
    return room.toldMembers ?? lazyMembers.find(request.device, room.roomNid, sinceOf(room, request));
  }

  /** Whether the membership that a client was told of is the one that a room in memory has: it need not be read again. */
  function isStillSo({ roomNid, isLeft }: RoomToTell, userId: string, toldId: string | undefined): boolean {
    const room = isLeft || toldId === undefined ? undefined : rooms.peek(roomNid);
    if (room === undefined || room.absentMembers([userId]).length > 0) return false;
    return room.findEntry(MEMBER, userId)?.eventId === toldId;
  }

  return async function addLazily(
    wanted: readonly RoomToTell[],
    request: TellRequest,
    { timelines, states, heroesOf }: Known,
  ): Promise<void> {
    const { device, toldMembersAt, wantsStateAfter } = request;
    const needs = wanted.map((room) => {
      const events = timelines.get(room.roomNid)?.events ?? [];
      const listed = new Set((states.get(room.roomNid) ?? []).flatMap((event) => (event.type === MEMBER ? stateKeyOf(event) : [])));
      const known = knownTo(room, request);
      const userIds = [...new Set([...events.map(senderOf), ...heroesOf(room.roomNid)])].filter(
        (userId) => !listed.has(userId) && !isStillSo(room, userId, known.get(userId)),
      );
      return { roomNid: room.roomNid, at: endOfState(room, events[0], wantsStateAfter), userIds };
    });
    const members = Map.groupBy(await listMembersOfRooms(database.sql, needs), (member) => member.roomNid);
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
  };
}

/** Up to where the device has what it was told of the room's members: nowhere, when it is told all of the state. */
function sinceOf({ stateAfter }: RoomToTell, { toldMembersAt = 0 }: TellRequest): number {
  return stateAfter === 0 ? 0 : toldMembersAt;
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
