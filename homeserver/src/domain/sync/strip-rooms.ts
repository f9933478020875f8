import type { StrippedStateEvent } from 'federation-spec/api/schemas/events.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid } from '../../storage/events.ts';
import type { UserMembership } from '../../storage/memberships.ts';
import { listSenderMembers, listSingularState } from '../../storage/sync.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import { SHOWN_STATE } from '../rooms/shown-state.ts';
import { stripEvent } from '../rooms/strip-event.ts';
import type { Log } from '../streams/log.ts';

/** By room. */
export type StripRooms = (memberships: readonly UserMembership[]) => Promise<ReadonlyMap<number, StrippedStateEvent[]>>;

/**
 * Of rooms we are in, from their state; of others, what the invite itself brought. Whoever invited is shown as the room shows them, so
 * that clients have a name and a picture for them. Three queries, however many rooms.
 */
export function createStripRooms({ database, log }: { database: Database; log: Pick<Log, 'position'> }): StripRooms {
  return async function stripRooms(memberships) {
    const own = memberships.filter(({ strippedState }) => strippedState === null);
    const at = log.position();
    const [state, events, inviters] = await Promise.all([
      listSingularState(
        database.sql,
        own.map(({ roomNid }) => ({ roomNid, at })),
        SHOWN_STATE,
      ),
      listEventsByNid(
        database.sql,
        own.flatMap(({ eventNid }) => eventNid ?? []),
      ),
      listSenderMembers(
        database.sql,
        own.flatMap(({ roomNid, eventNid }) => (eventNid === null ? [] : [{ roomNid, eventNid, at }])),
      ),
    ]);
    const stateOf = Map.groupBy(state, ({ roomNid }) => roomNid);
    const inviterOf = new Map(inviters.map((inviter) => [inviter.roomNid, inviter]));
    const eventOf = new Map(events.map((event) => [event.eventNid, event]));
    return new Map(
      memberships.map(({ roomNid, eventNid, strippedState }) => {
        if (strippedState !== null) return [roomNid, JSON.parse(strippedState)];
        const event = eventNid === null ? undefined : eventOf.get(eventNid);
        const inviter = inviterOf.get(roomNid);
        const people = [...(inviter === undefined ? [] : [inviter]), ...(event === undefined ? [] : [event])];
        const shown = [...(stateOf.get(roomNid) ?? []), ...people];
        return [roomNid, shown.map(({ json }) => stripEvent(readPdu(json)))];
      }),
    );
  };
}
