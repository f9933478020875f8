import type { Database } from '../../storage/database.ts';
import type { UserMembership } from '../../storage/memberships.ts';
import { listRoomsJoinedAt } from '../../storage/sync.ts';
import type { HideInvites } from './hide-invites.ts';
import type { ListUserRooms } from './user-rooms.ts';

/** How a user stood in their rooms at a position. Where it changed after it, only that they were joined matters. */
export type ListStandings = (user: { userId: string; userNid: number }, upTo: number) => Promise<UserMembership[]>;

type Deps = { database: Database; listUserRooms: ListUserRooms; hideInvites: HideInvites };

export function createListStandings({ database, listUserRooms, hideInvites }: Deps): ListStandings {
  return async function listStandings({ userId, userNid }, upTo) {
    const rooms = await listUserRooms(userNid);
    const later = rooms.filter((room) => room.position > upTo).map((room) => room.roomNid);
    const joinedThen = await listRoomsJoinedAt(database.sql, userId, later, upTo);
    const standings = rooms.flatMap((room): UserMembership[] => {
      if (room.position <= upTo) return [room];
      return joinedThen.has(room.roomNid) ? [{ ...room, membership: 'join', position: upTo }] : [];
    });
    return await hideInvites(userNid, standings);
  };
}
