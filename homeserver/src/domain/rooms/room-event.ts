import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';

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

/** Whether an event counts as unread by the default push rules: a message somebody would want to see. */
export function notifiesByDefault(event: Pdu): boolean {
  if (event.type === 'm.room.encrypted') return true;
  if (event.type !== 'm.room.message') return false;
  const relation = event.content['m.relates_to'];
  const isEdit = typeof relation === 'object' && relation !== null && !Array.isArray(relation) && relation['rel_type'] === 'm.replace';
  return event.content['msgtype'] !== 'm.notice' && !isEdit;
}
