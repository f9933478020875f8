import type { StrippedStateEvent } from 'federation-spec/api/schemas/events.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid } from '../../storage/events.ts';
import type { UserMembership } from '../../storage/memberships.ts';
import { listSingularState } from '../../storage/sync.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import { stripEvent } from '../rooms/strip-event.ts';
import type { Log } from '../streams/log.ts';

/** What someone who is invited, or knocks, is shown of a room. https://spec.matrix.org/latest/client-server-api/#stripped-state */
const SHOWN_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
];

/** By room. */
export type StripRooms = (memberships: readonly UserMembership[]) => Promise<ReadonlyMap<number, StrippedStateEvent[]>>;

/** Of rooms we are in, from their state; of others, what the invite itself brought. Two queries, however many rooms. */
export function createStripRooms({ database, log }: { database: Database; log: Pick<Log, 'position'> }): StripRooms {
  return async function stripRooms(memberships) {
    const own = memberships.filter(({ strippedState }) => strippedState === null);
    const [state, events] = await Promise.all([
      listSingularState(
        database.sql,
        own.map(({ roomNid }) => ({ roomNid, at: log.position() })),
        SHOWN_TYPES,
      ),
      listEventsByNid(
        database.sql,
        own.flatMap(({ eventNid }) => eventNid ?? []),
      ),
    ]);
    const stateOf = Map.groupBy(state, ({ roomNid }) => roomNid);
    const eventOf = new Map(events.map((event) => [event.eventNid, event]));
    return new Map(
      memberships.map(({ roomNid, eventNid, strippedState }) => {
        if (strippedState !== null) return [roomNid, JSON.parse(strippedState)];
        const event = eventNid === null ? undefined : eventOf.get(eventNid);
        const shown = [...(stateOf.get(roomNid) ?? []), ...(event === undefined ? [] : [event])];
        return [roomNid, shown.map(({ json }) => stripEvent(readPdu(json)))];
      }),
    );
  };
}
