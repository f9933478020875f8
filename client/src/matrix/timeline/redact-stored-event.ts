import type { JsonObject } from '../json.ts';
import type { RoomEvent } from '../room-event.ts';
import type { StoredEvent } from './stored-event.ts';

/** Content that survives a redaction, by type: what the room's rules need. https://spec.matrix.org/latest/rooms/v11/#redactions */
const KEPT: { readonly [type: string]: readonly string[] } = {
  'm.room.member': ['membership', 'join_authorised_via_users_server'],
  'm.room.join_rules': ['join_rule', 'allow'],
  'm.room.history_visibility': ['history_visibility'],
};
const KEPT_WHOLE = new Set(['m.room.create', 'm.room.power_levels']);

/** The event without what a redaction takes away, at once and until the server sends its own pruned form. */
export function redactStoredEvent({ event }: StoredEvent, redaction: RoomEvent): StoredEvent {
  const unsigned: JsonObject = { ...event.unsigned, redacted_because: toJson(redaction) };
  return { event: { ...event, content: keptContent(event), unsigned } };
}

function keptContent(event: RoomEvent): JsonObject {
  if (KEPT_WHOLE.has(event.type)) return event.content;
  const kept = KEPT[event.type] ?? [];
  return Object.fromEntries(Object.entries(event.content).filter(([key]) => kept.includes(key)));
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
