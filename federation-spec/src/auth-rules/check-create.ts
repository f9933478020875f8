import type { Pdu } from '../events/event.ts';
import { serverNameOf } from '../identifiers/server-name.ts';
import { parseUserId } from '../identifiers/user-id.ts';
import { type RoomVersionRules, roomVersionRules } from '../room-versions/room-versions.ts';
import { allow, refuse, type Verdict } from '../verdict.ts';

/**
 * Rule 1: whether an event may begin a room.
 *
 * https://spec.matrix.org/latest/rooms/v1/#authorisation-rules, https://spec.matrix.org/latest/rooms/v12/#authorisation-rules
 */
export function checkCreate(event: Pdu, rules: RoomVersionRules): Verdict {
  // 1.1
  if (event.prev_events.length > 0) return refuse('An m.room.create event cannot follow other events (it has prev_events).');

  // 1.2
  if (rules.createEventIdIsRoomId) {
    if (event.room_id !== undefined) return refuse(`An m.room.create event of this version carries no room_id (it has ${event.room_id}).`);
  } else if (event.room_id === undefined || serverNameOf(event.room_id) !== serverNameOf(event.sender)) {
    return refuse(`The room id ${event.room_id} is not of the server of ${event.sender}.`);
  }

  // 1.3
  const version = event.content['room_version'];
  if (version !== undefined && (typeof version !== 'string' || roomVersionRules(version) === undefined)) {
    return refuse(`The room version ${JSON.stringify(version)} is not known.`);
  }

  // 1.4, up to version 10
  if (!rules.creatorIsSender && event.content['creator'] === undefined) return refuse('The content names no creator.');

  // 1.4, from version 12 on
  if (rules.privilegedCreators) return checkAdditionalCreators(event);
  return allow();
}

function checkAdditionalCreators(event: Pdu): Verdict {
  const creators = event.content['additional_creators'];
  if (creators === undefined) return allow();
  if (!Array.isArray(creators)) return refuse('additional_creators is not an array.');
  const wrong = creators.find((creator) => typeof creator !== 'string' || parseUserId(creator) === undefined);
  return wrong === undefined ? allow() : refuse(`additional_creators holds ${JSON.stringify(wrong)}, which is not a user id.`);
}
