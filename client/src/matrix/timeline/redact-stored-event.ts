import { redactContent } from 'federation-spec/events/redact-event.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { JsonObject } from '../json.ts';
import type { RoomEvent } from '../room-event.ts';
import type { StoredEvent } from './stored-event.ts';

/** The event without what a redaction takes away, at once and until the server sends its own pruned form. */
export function redactStoredEvent({ event }: StoredEvent, redaction: RoomEvent, rules: RoomVersionRules): StoredEvent {
  const unsigned: JsonObject = { ...event.unsigned, redacted_because: toJson(redaction) };
  return { event: { ...event, content: redactContent(event.type, event.content, rules), unsigned } };
}

function toJson(redaction: RoomEvent): JsonObject {
  return {
    event_id: redaction.event_id,
    type: redaction.type,
    sender: redaction.sender,
    origin_server_ts: redaction.origin_server_ts,
    content: redaction.content,
  };
}
