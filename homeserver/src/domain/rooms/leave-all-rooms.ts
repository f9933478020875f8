import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { listMembershipsOfUser } from '../../storage/memberships.ts';
import type { ErasedUsers } from './erased-users.ts';
import type { Memberships } from './membership.ts';

/**
 * Takes a person out of every room they are in, are invited to or knock at, until it may not go on. A room that cannot be left does not
 * keep the others; how many such there were is returned. Who is to be erased is so from now on.
 */
export type LeaveAllRooms = (user: { userNid: number; userId: string; erase: boolean }, mayGoOn: () => boolean) => Promise<number>;

type Deps = { database: Database; memberships: Memberships; logger: Logger; erasedUsers: Pick<ErasedUsers, 'add'> };

export function createLeaveAllRooms({ database, memberships, logger, erasedUsers }: Deps): LeaveAllRooms {
  return async function leaveAllRooms({ erase, userNid, userId }, mayGoOn) {
    const user = { userNid, userId };
    let failures = 0;
    if (erase) erasedUsers.add(user.userNid);
    for (const { roomId, membership } of await listMembershipsOfUser(database.sql, user.userNid)) {
      if (membership === 'leave' || membership === 'ban') continue;
      if (!mayGoOn()) break;
      await memberships.leave(user, { roomId, isForced: true }).catch((error: unknown) => {
        failures += 1;
        logger.warn({ err: error, roomId, userId }, 'a room could not be left');
      });
    }
    return failures;
  };
}
