import type { Logger } from '../../platform/logger.ts';
import type { ListJoinedRooms } from './list-joined-rooms.ts';
import type { Memberships } from './membership.ts';

/** Tells all rooms a person is in of their new name or picture, by a membership event in each. */
export type SpreadProfile = (user: { userNid: number; userId: string }) => Promise<void>;

type Deps = { memberships: Pick<Memberships, 'tellProfile'>; listJoinedRooms: ListJoinedRooms; logger: Logger };

/**
 * Changes of one person that come while rooms are still being told go out in one further round: told side by side, an older name could
 * come last. https://spec.matrix.org/latest/client-server-api/#events-on-change-of-profile-information
 */
export function createSpreadProfile({ memberships, listJoinedRooms, logger }: Deps): SpreadProfile {
  const underWay = new Map<number, { isStale: boolean }>();

  async function tellAll(user: { userNid: number; userId: string }): Promise<void> {
    for (const roomId of await listJoinedRooms(user.userNid)) {
      await memberships.tellProfile(user, roomId).catch((error: unknown) => {
        logger.warn({ err: error, roomId }, 'a room could not be told of a new profile');
      });
    }
  }

  return async function spreadProfile(user) {
    const earlier = underWay.get(user.userNid);
    if (earlier !== undefined) {
      earlier.isStale = true;
      return;
    }
    const round = { isStale: true };
    underWay.set(user.userNid, round);
    try {
      while (round.isStale) {
        round.isStale = false;
        await tellAll(user);
      }
    } finally {
      underWay.delete(user.userNid);
    }
  };
}
