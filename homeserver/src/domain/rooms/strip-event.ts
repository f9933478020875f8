import type { StrippedStateEvent } from 'federation-spec/api/schemas/events.ts';
import type { Pdu } from 'federation-spec/events/event.ts';

/** The four keys that strangers get of a state event. https://spec.matrix.org/latest/client-server-api/#stripped-state */
export function stripEvent({ type, sender, content, state_key }: Pdu): StrippedStateEvent {
  return { type, sender, content, state_key: state_key ?? '' };
}
