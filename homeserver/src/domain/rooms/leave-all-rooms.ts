import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { listMembershipsOfUser } from '../../storage/memberships.ts';
import type { ErasedUsers } from './erased-users.ts';
import type { Memberships } from './membership.ts';

/**
 * Takes a person out of every room they are in, are invited to or knock at. A room that cannot be left does not keep the others.
 * Who is to be erased is so from now on.
 */
export type LeaveAllRooms = (user: { userNid: number; userId: string; erase: boolean }) => Promise<void>;

type Deps = { database: Database; memberships: Memberships; logger: Logger; erasedUsers: Pick<ErasedUsers, 'add'> };

export function createLeaveAllRooms({ database, memberships, logger, erasedUsers }: Deps): LeaveAllRooms {
  return async function leaveAllRooms({ erase, ...user }) {
    if (erase) erasedUsers.add(user.userNid);
    for (const { roomId, membership } of await listMembershipsOfUser(database.sql, user.userNid)) {
      if (membership === 'leave' || membership === 'ban') continue;
      await memberships.leave(user, { roomId }).catch((error: unknown) => logger.warn({ err: error, roomId }, 'a room could not be left'));
    }
  };
}
