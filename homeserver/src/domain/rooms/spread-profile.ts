import type { Logger } from '../../platform/logger.ts';
import type { ListJoinedRooms } from './list-joined-rooms.ts';
import type { Memberships } from './membership.ts';

/** Tells all rooms a person is in of their new name or picture, by a membership event in each. */
export type SpreadProfile = (user: { userNid: number; userId: string }) => Promise<void>;

type Deps = { memberships: Memberships; listJoinedRooms: ListJoinedRooms; logger: Logger };

/** https://spec.matrix.org/latest/client-server-api/#events-on-change-of-profile-information */
export function createSpreadProfile({ memberships, listJoinedRooms, logger }: Deps): SpreadProfile {
  return async function spreadProfile(user) {
    for (const roomId of await listJoinedRooms(user.userNid)) {
      await memberships.join(user, { roomId, via: [], content: {} }).catch((error: unknown) => {
        logger.warn({ err: error, roomId }, 'a room could not be told of a new profile');
      });
    }
  };
}
