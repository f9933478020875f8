import type { StrippedStateEvent } from 'federation-spec/api/schemas/events.ts';
import type { Database } from '../../storage/database.ts';
import type { UserMembership } from '../../storage/memberships.ts';
import { listRoomsJoinedAt, listRoomsJoinedSince } from '../../storage/sync.ts';
import { MEMBER } from '../rooms/hot-room.ts';
import type { RoomActivity } from './room-activity.ts';
import type { RoomToTell } from './room-to-tell.ts';
import type { Ignored, SyncDevice } from './sources.ts';

/** The rooms of an answer, sorted by what is to be told of them. */
export type SortedRooms = {
  joined: RoomToTell[];
  left: RoomToTell[];
  invited: UserMembership[];
  knocked: UserMembership[];
};

type Request = {
  device: SyncDevice;
  /** Where the client stands; undefined when it knows nothing. */
  after: number | undefined;
  upTo: number;
  isFullState: boolean;
  /** Whether rooms left long ago are wanted too. */
  includesLeft: boolean;
  /** The client was told of nobody's invites whom the user ignored, and ignores other people now. */
  retellsInvites: boolean;
  ignored: Ignored;
  /** The client asks for members as it needs them: it is shown rooms whose members are not all known yet. */
  isLazy: boolean;
};

export type SortRooms = (standings: readonly UserMembership[], request: Request) => Promise<SortedRooms>;

export function createSortRooms({ database, activity }: { database: Database; activity: RoomActivity }): SortRooms {
  /** Those of the rooms that the user entered and left again since: the client knows nothing of them. */
  async function listVisited(
    { userId }: SyncDevice,
    left: readonly UserMembership[],
    { after, wereJoined }: { after: number; wereJoined: ReadonlySet<number> },
  ): Promise<Set<number>> {
    const unknown = left.filter(({ roomNid, position }) => position > after && !wereJoined.has(roomNid));
    return await listRoomsJoinedSince(
      database.sql,
      userId,
      unknown.map((room) => room.roomNid),
      after,
    );
  }

  return async function sortRooms(standings, { device, after, upTo, isFullState, includesLeft, retellsInvites, ignored, isLazy }) {
    const known = after ?? 0;
    const joined = standings.filter((room) => room.membership === 'join');
    const becameWhole = (room: UserMembership) => !isLazy && room.completedPos !== null && room.completedPos > known;
    const tellsOld = (room: UserMembership) => includesLeft || isExpelled(room, device.userNid);
    const tellsAll = after === undefined || isFullState;
    const left = standings.filter(
      (room) => isGone(room) && (room.position > known ? after !== undefined || tellsOld(room) : tellsAll && tellsOld(room)),
    );
    const moved = [...joined, ...left].filter((room) => room.position > known).map((room) => room.roomNid);
    const wereJoined = after === undefined ? new Set<number>() : await listRoomsJoinedAt(database.sql, device.userId, moved, known);
    const visited = after === undefined ? new Set<number>() : await listVisited(device, left, { after, wereJoined });
    const last = after === undefined ? undefined : await activity.listLastPositions(joined.map((room) => room.roomNid));

    const toTell = (room: UserMembership): RoomToTell => {
      const isNew = after === undefined || becameWhole(room) || (room.position > known && !wereJoined.has(room.roomNid));
      return {
        roomNid: room.roomNid,
        roomId: room.roomId,
        after: isNew ? 0 : known,
        stateAfter: isNew || isFullState ? 0 : known,
        upTo,
        since: room.position,
        isLeft: false,
        isNewlyJoined: isNew && after !== undefined,
      };
    };
    const isInvited = (room: UserMembership) =>
      room.membership === 'invite' &&
      (room.position > known || isFullState || retellsInvites) &&
      !isFromIgnored(room, device.userId, ignored);
    return {
      joined: joined
        .filter(
          (room) =>
            after === undefined || isFullState || room.position > known || becameWhole(room) || (last?.get(room.roomNid) ?? 0) > known,
        )
        .map(toTell),
      left: left.map(({ roomNid, roomId, position }) => {
        const isUnknown = visited.has(roomNid);
        const from = isUnknown ? 0 : known;
        const stateAfter = isFullState ? 0 : from;
        return { roomNid, roomId, after: from, stateAfter, upTo: position, since: position, isLeft: true, isNewlyJoined: isUnknown };
      }),
      invited: standings.filter(isInvited),
      knocked: standings.filter((room) => room.membership === 'knock' && (room.position > known || isFullState)),
    };
  };
}

/** Whether all of the room's members were known at a position, or it is shown without them since. */
export function isWhole({ isPartial, completedPos }: UserMembership, position: number): boolean {
  return completedPos === null ? !isPartial : completedPos <= position;
}

export function isGone({ membership }: UserMembership): boolean {
  return membership === 'leave' || membership === 'ban';
}

/** Who was kicked or banned is told so by whatever client they come with; who left knows it. */
export function isExpelled(room: UserMembership, userNid: number): boolean {
  return room.membership === 'ban' || (room.membership === 'leave' && room.senderNid !== null && room.senderNid !== userNid);
}

/** Whether somebody whom the user ignores has invited them. */
export function isFromIgnored({ senderNid, strippedState }: UserMembership, userId: string, { nids, userIds }: Ignored): boolean {
  if (senderNid !== null || strippedState === null || userIds.size === 0) return senderNid !== null && nids.has(senderNid);
  const shown: StrippedStateEvent[] = JSON.parse(strippedState);
  return shown.some((event) => event.type === MEMBER && event.state_key === userId && userIds.has(event.sender));
}
