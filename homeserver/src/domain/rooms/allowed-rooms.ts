import { isJsonObject } from 'federation-spec/events/event.ts';
import type { HotRoom } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';

/** Most rooms whose members may join that are looked at. */
const MAX_ALLOWED_ROOMS = 100;

/** Whether only members of other rooms, or who is invited, may join. https://spec.matrix.org/latest/client-server-api/#restricted-rooms */
export function isRestricted(room: HotRoom): boolean {
  const rule = room.find('m.room.join_rules', '')?.content['join_rule'];
  return room.rules.restrictedJoins && (rule === 'restricted' || rule === 'knock_restricted');
}

/** The rooms whose members may join. */
export function listAllowedRooms(room: HotRoom): string[] {
  const allow = room.find('m.room.join_rules', '')?.content['allow'];
  if (!Array.isArray(allow)) return [];
  return allow.slice(0, MAX_ALLOWED_ROOMS).flatMap((entry) => {
    const roomId = isJsonObject(entry) && entry['type'] === 'm.room_membership' ? entry['room_id'] : undefined;
    return typeof roomId === 'string' ? [roomId] : [];
  });
}

/** Whether this server can say who is in the rooms whose members a restricted room lets in. */
export async function knowsAllowedRooms(rooms: HotRooms, room: HotRoom, serverName: string): Promise<boolean> {
  if (!isRestricted(room)) return true;
  for (const roomId of listAllowedRooms(room)) {
    const allowed = await rooms.load(roomId);
    if (allowed === undefined || !allowed.joinedServers.has(serverName) || allowed.isPartial) return false;
  }
  return true;
}
