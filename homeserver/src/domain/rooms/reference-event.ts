import { encodeBase64 } from 'federation-spec/encoding/base64.ts';
import type { EventReference, Pdu } from 'federation-spec/events/event.ts';
import { referenceHash } from 'federation-spec/events/reference-hash.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';

/** How another event names this one in its `prev_events` or `auth_events`: by its id, in room versions 1 and 2 with its hash. */
export function referenceTo(event: Pdu, eventId: string, rules: RoomVersionRules): EventReference {
  return rules.eventReferences === 'id' ? eventId : [eventId, { sha256: encodeBase64(referenceHash(event, rules)) }];
}
