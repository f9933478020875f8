import type { Database } from '../../storage/database.ts';
import { listMembershipsOfUser } from '../../storage/memberships.ts';

/** The ids of the rooms that a user is joined to. */
export type ListJoinedRooms = (userNid: number) => Promise<string[]>;

export function createListJoinedRooms({ database }: { database: Database }): ListJoinedRooms {
  return async (userNid) => {
    const memberships = await listMembershipsOfUser(database.sql, userNid);
    return memberships.filter(({ membership }) => membership === 'join').map(({ roomId }) => roomId);
  };
}
