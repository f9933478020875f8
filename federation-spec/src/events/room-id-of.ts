import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import type { Pdu } from './event.ts';
import { eventIdOf } from './event-id.ts';

/**
 * The id of the room an event belongs to. From room version 12 on the `m.room.create` event has no `room_id`: its own id, with `!`
 * for `$`, is the room's.
 *
 * Throws when another event has none, which `checkEventFormat` refuses.
 *
 * https://spec.matrix.org/latest/rooms/v12/#room-ids
 */
export function roomIdOf(event: Pdu, rules: RoomVersionRules): string {
  if (rules.createEventIdIsRoomId && event.type === 'm.room.create' && event.state_key === '')
    return `!${eventIdOf(event, rules).slice(1)}`;
  if (event.room_id === undefined) throw new TypeError(`An event of type ${event.type} without room_id belongs to no room.`);
  return event.room_id;
}

/**
 * The id of the create event that a room is named for; `undefined` in versions whose room ids say nothing.
 *
 * https://spec.matrix.org/latest/rooms/v12/#room-ids
 */
export function createEventIdOf(roomId: string, rules: RoomVersionRules): string | undefined {
  return rules.createEventIdIsRoomId && roomId.startsWith('!') ? `$${roomId.slice(1)}` : undefined;
}
