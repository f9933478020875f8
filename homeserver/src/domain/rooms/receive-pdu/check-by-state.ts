import { checkAuthRules } from 'federation-spec/auth-rules/check-auth-rules.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Verdict } from 'federation-spec/verdict.ts';
import type { Sql } from '../../../storage/database.ts';
import { listEventsByNid } from '../../../storage/events.ts';
import type { Interner } from '../interner.ts';
import { authStateOf, listNeededState, supplementState, toKnownEvent } from './auth-states.ts';

/** Whether a state, given by who holds each of its keys, allows an event. `supplement`: see `supplementState`. */
export type CheckByState = (
  event: Pdu,
  holderOf: (keyNid: number) => number | undefined,
  room: { rules: RoomVersionRules; supplement?: readonly Pdu[] },
) => Promise<Verdict>;

/** Step 5 of the checks on receipt: of the state before the event only what the rules ask for is read. */
export function createCheckByState({ sql, interner }: { sql: Sql; interner: Interner }): CheckByState {
  return async (event, holderOf, { rules, supplement = [] }) => {
    const pairs = listNeededState(event, rules);
    const nids = (await interner.keyNids(pairs)).flatMap((keyNid) => holderOf(keyNid) ?? []);
    const events = (await listEventsByNid(sql, nids)).map((row) => toKnownEvent(row).event);
    return checkAuthRules(event, supplementState(authStateOf(events, undefined, rules), supplement), rules);
  };
}
