import { namedPowerLevel, powerLevelOf } from 'federation-spec/auth-rules/power-levels.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import { listJoinedMembers } from '../../storage/memberships.ts';
import { isRestricted, listAllowedRooms } from './allowed-rooms.ts';
import type { HotRoom } from './hot-room.ts';

/**
 * What a join must say beside `membership`: in a restricted room, the local member in whose name this server lets the user in. Nothing where
 * the room asks for none, or the user is in none of the rooms whose members it lets in, as far as is known here; undefined when they are, and
 * only another server has a member who may. https://spec.matrix.org/latest/client-server-api/#restricted-rooms
 */
export type AuthoriseJoin = (room: HotRoom, userId: string) => Promise<JsonObject | undefined>;

type Deps = {
  database: Database;
  /** The room, when this server takes part in it: of one that it is not in any more, what it knows may be old. */
  findOwnRoom: (roomId: string) => Promise<HotRoom | undefined>;
  membershipOf: (room: HotRoom, userId: string) => Promise<string | undefined>;
};

export function createAuthoriseJoin({ database, findOwnRoom, membershipOf }: Deps): AuthoriseJoin {
  async function isInAllowedRoom(room: HotRoom, userId: string): Promise<boolean> {
    for (const roomId of listAllowedRooms(room)) {
      const allowed = await findOwnRoom(roomId);
      if (allowed !== undefined && (await membershipOf(allowed, userId)) === 'join') return true;
    }
    return false;
  }

  return async function authoriseJoin(room, userId) {
    if (!isRestricted(room) || !(await isInAllowedRoom(room, userId))) return {};
    const needed = namedPowerLevel('invite', room, room.rules);
    const members = await listJoinedMembers(database.sql, room.nid, { localOnly: true });
    const host = members.find((member) => powerLevelOf(member.userId, room, room.rules) >= needed);
    return host === undefined ? undefined : { join_authorised_via_users_server: host.userId };
  };
}
