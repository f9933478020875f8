import { encodeBase64, encodeBase64Url } from '../encoding/base64.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import type { Pdu } from './event.ts';
import { referenceHash } from './reference-hash.ts';

/**
 * The event's id: its own `event_id` in room versions 1 and 2, later `$` and its reference hash.
 *
 * Throws when an event of version 1 or 2 has none, which `checkEventFormat` refuses.
 *
 * https://spec.matrix.org/latest/rooms/v12/#event-ids
 */
export function eventIdOf(event: Pdu, rules: RoomVersionRules): string {
  if (rules.eventIdFormat === 'chosen-by-server') {
    if (event.event_id === undefined) throw new TypeError(`An event of room version ${rules.version} without event_id has no id.`);
    return event.event_id;
  }
  const hash = referenceHash(event, rules);
  return `$${rules.eventIdFormat === 'base64' ? encodeBase64(hash) : encodeBase64Url(hash)}`;
}
