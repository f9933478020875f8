import type { JsonObject } from 'federation-spec/events/event.ts';
import { forbidden, unableToAuthoriseJoin, unableToGrantJoin } from '../../../platform/matrix-error.ts';
import { isRestricted, knowsAllowedRooms } from '../../rooms/allowed-rooms.ts';
import type { AuthoriseJoin } from '../../rooms/authorise-join.ts';
import { type HotRoom, MEMBER } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';

/** Whether, and in whose name, this server lets a user of another one into a restricted room. */
export type Vouch = {
  /**
   * What the join must say beside `membership`: nothing where the room does not ask for it, or refuses the user anyway.
   * Throws M_UNABLE_TO_GRANT_JOIN, M_UNABLE_TO_AUTHORISE_JOIN.
   */
  find: (room: HotRoom, userId: string) => Promise<JsonObject>;
  /** Throws the same, and M_FORBIDDEN, when this server must not sign a join that names one of its users to vouch. */
  check: (room: HotRoom, userId: string) => Promise<void>;
};

type Deps = { rooms: HotRooms; authorise: AuthoriseJoin; serverName: string };

/**
 * The conditions are looked at when the template is asked for, and again when the join comes: our signature is all that others ask for,
 * and who sends a join need not have asked for a template. https://spec.matrix.org/latest/server-server-api/#restricted-rooms
 */
export function createVouch({ rooms, authorise, serverName }: Deps): Vouch {
  async function membershipOf(room: HotRoom, userId: string): Promise<unknown> {
    await rooms.ensureMembers(room, [userId]);
    return room.find(MEMBER, userId)?.content['membership'];
  }

  async function find(room: HotRoom, userId: string): Promise<JsonObject> {
    const current = await membershipOf(room, userId);
    if (current === 'join' || current === 'invite' || current === 'ban') return {};
    const voucher = await authorise(room, userId);
    if (voucher === undefined) throw unableToGrantJoin('Nobody on this server may let the user in; ask another server of the room');
    if (Object.keys(voucher).length === 0 && !(await knowsAllowedRooms(rooms, room, serverName)))
      throw unableToAuthoriseJoin('This server is not in all the rooms whose members may join; ask another server of the room');
    return voucher;
  }

  return {
    find,
    check: async (room, userId) => {
      const current = await membershipOf(room, userId);
      if (current === 'join' || current === 'invite') return;
      const isOpen = room.find('m.room.join_rules', '')?.content['join_rule'] === 'public';
      const mayEnter = isRestricted(room) ? Object.keys(await find(room, userId)).length > 0 : isOpen;
      if (!mayEnter) throw forbidden('The user is in none of the rooms whose members may join');
    },
  };
}
