import type { PrepareEvent } from '../prepare-event.ts';
import type { Policy } from './policy-server.ts';

/** Builds an event and has the room's policy server sign it. Throws what that refuses it with: nobody else gets to see the event then. */
export function createPrepareRecommended(prepareEvent: PrepareEvent, policy: Policy): PrepareEvent {
  return async function prepareRecommended(room, draft, sent) {
    const prepared = await prepareEvent(room, draft, sent);
    const event = await policy.sign(room, prepared.event);
    if (event === prepared.event) return prepared;
    const row = { ...prepared.logged.row, json: JSON.stringify(event) };
    return { ...prepared, event, logged: { ...prepared.logged, row } };
  };
}
