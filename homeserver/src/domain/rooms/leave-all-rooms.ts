import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { listMembershipsOfUser } from '../../storage/memberships.ts';
import type { Memberships } from './membership.ts';

/** Takes a person out of every room they are in, are invited to or knock at. A room that cannot be left does not keep the others. */
export type LeaveAllRooms = (user: { userNid: number; userId: string }) => Promise<void>;

export function createLeaveAllRooms(deps: { database: Database; memberships: Memberships; logger: Logger }): LeaveAllRooms {
  const { database, memberships, logger } = deps;
  return async function leaveAllRooms(user) {
    for (const { roomId, membership } of await listMembershipsOfUser(database.sql, user.userNid)) {
      if (membership === 'leave' || membership === 'ban') continue;
      await memberships.leave(user, { roomId }).catch((error: unknown) => logger.warn({ err: error, roomId }, 'a room could not be left'));
    }
  };
}
