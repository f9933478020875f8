import type { ClientEvent } from 'federation-spec/api/schemas/events.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';

/** What was told beside an event's own keys before there was `unsigned`. */
const ONCE_AT_TOP = ['age', 'prev_content', 'replaces_state', 'redacted_because', 'invite_room_state'] as const;

/** An event in the form of the first version of the API, which the endpoints that are left of it still have. */
export type OldEvent = ClientEvent & JsonObject;

/** Adds what clients of that time look for: the sender as `user_id`, and parts of `unsigned` beside the content. */
export function toOldEvent(event: ClientEvent): OldEvent {
  const unsigned = (event.unsigned ?? {}) as JsonObject;
  const raised = ONCE_AT_TOP.flatMap((key) => (unsigned[key] === undefined ? [] : [[key, unsigned[key]] as const]));
  return { ...event, user_id: event.sender, ...Object.fromEntries(raised) };
}

/** A presence event with the person in its content too. */
export function toOldPresence(event: JsonObject): JsonObject {
  const { sender, content } = event as { sender?: string; content?: JsonObject };
  return { ...event, content: { ...content, ...(sender === undefined ? {} : { user_id: sender }) } };
}
