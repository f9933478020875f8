import { isJsonObject, type JsonObject, type Pdu } from 'federation-spec/events/event.ts';

/** What a local user wants to put into a room. `stateKey` is given for state events only. */
export type EventDraft = {
  type: string;
  stateKey?: string;
  sender: string;
  content: JsonObject;
  /** The event to redact; its place in the wire event depends on the room version. */
  redacts?: string;
  /** For application services that bring old messages in; the clock's time otherwise. */
  originServerTs?: number;
};

/** An event that the room's state or graph refers to, with what is needed to build upon it. */
export type StateEntry = { keyNid: number; eventNid: number; eventId: string; event: Pdu };

/** A forward extremity. */
export type Head = { eventNid: number; eventId: string; topological: number; depth: number };

/** The types of event that notify by the default push rules, whatever they say. */
export const NOTIFYING_TYPES: ReadonlySet<string> = new Set([
  'm.room.message',
  'm.room.encrypted',
  'm.call.invite',
  'm.poll.start',
  'm.poll.end',
  'org.matrix.msc3381.poll.start',
  'org.matrix.msc3381.poll.end',
]);

/**
 * Whether an event counts as unread by the default push rules: a message somebody would want to see, and no notice nor edit. Mentions are
 * not looked at: what differs for a person is noted for them.
 */
export function notifiesByDefault(event: Pdu): boolean {
  if (!NOTIFYING_TYPES.has(event.type) || event.content['msgtype'] === 'm.notice') return false;
  const relation = event.content['m.relates_to'];
  return !(isJsonObject(relation) && relation['rel_type'] === 'm.replace');
}
