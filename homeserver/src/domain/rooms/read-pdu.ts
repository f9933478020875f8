import type { Pdu } from 'federation-spec/events/event.ts';

/** Reads an event's stored text. It was checked before it was stored, so its shape is taken as given. */
export function readPdu(json: string): Pdu {
  return JSON.parse(json) as Pdu;
}
