import type { Database } from '../../storage/database.ts';
import { findMembership, isServerInvited } from '../../storage/memberships.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';

const OPEN_JOIN_RULES = ['public', 'knock', 'knock_restricted'];
const RESTRICTED_JOIN_RULES = ['restricted', 'knock_restricted'];
/** Most rooms of a restricted join rule that are looked into. */
const MAX_ALLOWED_ROOMS = 50;

export type Inquirer = { userId: string; userNid: number };

/** Who may learn of a room that they are not in: whoever could come in, or read it. */
export type RoomAccess = {
  /** Undefined stands for someone who did not log in. */
  isOpenTo: (room: HotRoom, user: Inquirer | undefined) => Promise<boolean>;
  isOpenToServer: (room: HotRoom, server: string) => Promise<boolean>;
};

/** https://spec.matrix.org/latest/client-server-api/#room-summaries */
export function createRoomAccess({ database, rooms }: { database: Database; rooms: HotRooms }): RoomAccess {
  async function isSome(room: HotRoom, check: (allowed: HotRoom) => boolean): Promise<boolean> {
    for (const roomId of listAllowedRooms(room) ?? []) {
      const allowed = await rooms.load(roomId);
      if (allowed !== undefined && check(allowed)) return true;
    }
    return false;
  }

  return {
    isOpenTo: async (room, user) => {
      if (isOpen(room)) return true;
      if (user === undefined) return false;
      const standing = await findMembership(database.sql, room.nid, user.userNid);
      if (standing?.membership === 'join' || standing?.membership === 'invite') return true;
      return standing?.membership !== 'ban' && (await isSome(room, (allowed) => allowed.localJoined.has(user.userNid)));
    },
    isOpenToServer: async (room, server) => {
      if (isOpen(room) || room.joinedServers.has(server)) return true;
      if (await isSome(room, (allowed) => allowed.joinedServers.has(server))) return true;
      return await isServerInvited(database.sql, room.nid, server);
    },
  };
}

function isOpen(room: HotRoom): boolean {
  const joinRule = room.find('m.room.join_rules', '')?.content['join_rule'];
  const visibility = room.find('m.room.history_visibility', '')?.content['history_visibility'];
  return OPEN_JOIN_RULES.includes(String(joinRule)) || visibility === 'world_readable';
}

/** The rooms whose members may come in, when the join rule is a restricted one. */
export function listAllowedRooms(room: HotRoom): string[] | undefined {
  const content = room.find('m.room.join_rules', '')?.content;
  if (!RESTRICTED_JOIN_RULES.includes(String(content?.['join_rule']))) return undefined;
  const allow: unknown = content?.['allow'];
  if (!Array.isArray(allow)) return [];
  const roomIds = allow.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('type' in entry) || !('room_id' in entry)) return [];
    return entry.type === 'm.room_membership' && typeof entry.room_id === 'string' ? [entry.room_id] : [];
  });
  return roomIds.slice(0, MAX_ALLOWED_ROOMS);
}
