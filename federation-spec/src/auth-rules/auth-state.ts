import type { Pdu } from '../events/event.ts';
import { stateKeyOf } from '../events/state-key.ts';

/**
 * The state an event is checked against: its auth events, the state before it, or the current state of the room.
 *
 * `find` answers for the create event in every room version. In rooms whose id is the hash of the create event that
 * event is never among the auth events, so whoever builds the state adds it by the room id.
 */
export type AuthState = {
  find(type: string, stateKey: string): Pdu | undefined;
  /** The id of the create event, when the caller knows it; otherwise it is computed when a rule asks for it. */
  readonly createEventId?: string;
};

/**
 * An {@link AuthState} over a list of state events. Of two events with one type and state key the later in the list counts.
 * Events without a state key are left out: they are no state.
 */
export function createAuthState(events: Iterable<Pdu>): AuthState {
  const byKey = new Map<string, Pdu>();
  for (const event of events) {
    if (event.state_key !== undefined) byKey.set(stateKeyOf(event.type, event.state_key), event);
  }
  return { find: (type, stateKey) => byKey.get(stateKeyOf(type, stateKey)) };
}
