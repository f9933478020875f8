import type { EventReference, Pdu } from './event.ts';

/** The ids of the events that came directly before, whichever form the room version writes them in. */
export function listPrevEventIds(event: Pick<Pdu, 'prev_events'>): string[] {
  return event.prev_events.map(referencedId);
}

/** The ids of the events that allow this one, whichever form the room version writes them in. */
export function listAuthEventIds(event: Pick<Pdu, 'auth_events'>): string[] {
  return event.auth_events.map(referencedId);
}

function referencedId(reference: EventReference): string {
  return typeof reference === 'string' ? reference : reference[0];
}
