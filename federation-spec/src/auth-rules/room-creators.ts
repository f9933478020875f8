import type { JsonObject } from '../events/event.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';

/** What of a create event tells who made the room; clients are shown no more of it. */
type CreateEvent = { sender: string; content: JsonObject };

/**
 * The user who made the room: `content.creator` up to room version 10, the create event's sender from version 11 on.
 * `undefined` when an old create event names nobody.
 *
 * https://spec.matrix.org/latest/rooms/v11/#remove-the-creator-property-of-mroomcreate-events
 */
export function findRoomCreator(create: CreateEvent, rules: RoomVersionRules): string | undefined {
  if (rules.creatorIsSender) return create.sender;
  const creator = create.content['creator'];
  return typeof creator === 'string' ? creator : undefined;
}

/**
 * True for the users whose power is infinite from room version 12 on: the sender of the create event and the users in its
 * `additional_creators`. Always false in earlier versions.
 *
 * https://spec.matrix.org/latest/rooms/v12/#authorisation-rules
 */
export function isPrivilegedCreator(userId: string, create: CreateEvent, rules: RoomVersionRules): boolean {
  if (!rules.privilegedCreators) return false;
  if (create.sender === userId) return true;
  const additional = create.content['additional_creators'];
  return Array.isArray(additional) && additional.includes(userId);
}

/** The users whose power is infinite, without repeats; empty before room version 12. */
export function listPrivilegedCreators(create: CreateEvent, rules: RoomVersionRules): string[] {
  if (!rules.privilegedCreators) return [];
  const additional = create.content['additional_creators'];
  const others = Array.isArray(additional) ? additional.filter((userId) => typeof userId === 'string') : [];
  return [...new Set([create.sender, ...others])];
}
