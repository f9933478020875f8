import { setImmediate as nextTurnOfLoop } from 'node:timers/promises';
import { createAuthState } from 'federation-spec/auth-rules/auth-state.ts';
import { checkAuthRules } from 'federation-spec/auth-rules/check-auth-rules.ts';
import { listAuthEventIds } from 'federation-spec/events/edges.ts';
import { createEventIdOf } from 'federation-spec/events/room-id-of.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { Verdict } from 'federation-spec/verdict.ts';
import type { Database } from '../../../storage/database.ts';
import { type EventKind, insertUnpositionedEvents, listEventsById, type StoredEvent } from '../../../storage/events.ts';
import { listStateOfKeys } from '../../../storage/state.ts';
import type { Interner } from '../interner.ts';
import { checkByAuthEvents, type KnownEvent, SECOND_CREATE, toKnownEvent } from './auth-states.ts';
import type { CheckedPdu, RoomIdentity } from './check-pdu.ts';
import { sortByNeeds } from './sort-by-needs.ts';
import { unpositionedRow } from './unpositioned-row.ts';

/** How many events are written at a time; between two writes the process does other work. */
const CHUNK = 200;
const CREATE = 'm.room.create';

export type OutlierRoom = RoomIdentity & { roomNid: number };

/**
 * Stores events of which we do not know the state before: auth events, and the state of a room at some point. Each is checked against its
 * own auth events, which must be among them or stored; one that fails is remembered as rejected, one whose auth events are nowhere is left
 * out. Resolves with all that are now stored, old and new, by id. `admit` is told how many are new before any is stored, and throws when
 * they are too many.
 */
export type StoreOutliers = (
  room: OutlierRoom,
  pdus: readonly CheckedPdu[],
  admit?: (fresh: number) => void,
) => Promise<Map<string, KnownEvent>>;

export function createStoreOutliers({ database, interner }: { database: Database; interner: Interner }): StoreOutliers {
  const { sql } = database;

  /** The room's create event, where the events bring one and the room is here. */
  async function findBeginning({ roomNid }: OutlierRoom, pdus: Iterable<CheckedPdu>): Promise<string | undefined> {
    if (![...pdus].some(isCreate)) return undefined;
    return (await listStateOfKeys(sql, roomNid, [{ type: CREATE, stateKey: '' }]))[0]?.eventId;
  }

  return async (room, pdus, admit) => {
    const wanted = new Map(pdus.map((pdu) => [pdu.eventId, pdu]));
    const known = new Map<string, KnownEvent>();
    const ids = new Set([...wanted.keys(), ...pdus.flatMap((pdu) => listAuthEventIds(pdu.event))]);
    for (const stored of await listEventsById(sql, [...ids])) {
      if (stored.roomNid === room.roomNid) known.set(stored.eventId, toKnownEvent(stored));
    }
    const createId = createEventIdOf(room.roomId, room.rules);
    if (createId !== undefined && !known.has(createId)) {
      const [create] = await listEventsById(sql, [createId]);
      if (create !== undefined) known.set(createId, toKnownEvent(create));
    }

    let beginning = createId ?? (await findBeginning(room, wanted.values()));
    const fresh = sortByAuth(wanted).filter((pdu) => !known.has(pdu.eventId));
    admit?.(fresh.length);
    const senders = await interner.userNids([...new Set(fresh.map((pdu) => pdu.event.sender))]);
    const keyed = fresh.filter((pdu) => pdu.event.state_key !== undefined);
    const keyNids = await interner.keyNids(keyed.map(({ event }) => ({ type: event.type, stateKey: event.state_key ?? '' })));
    const keyNidOf = new Map(keyed.map((pdu, index) => [pdu.eventId, keyNids[index] ?? null]));

    for (let start = 0; start < fresh.length; start += CHUNK) {
      const rows: StoredEvent[] = [];
      for (const pdu of fresh.slice(start, start + CHUNK)) {
        const { event, eventId } = pdu;
        const authIds = listAuthEventIds(event);
        const authEvents = authIds.flatMap((id) => known.get(id) ?? []);
        if (authEvents.length < authIds.length) continue;
        const create = createId === undefined ? undefined : known.get(createId)?.event;
        const verdict =
          event.type === CREATE ? checkBeginning(pdu, beginning, room.rules) : checkByAuthEvents(event, authEvents, create, room.rules);
        if (event.type === CREATE && verdict.allowed) beginning = eventId;
        const kind: EventKind = verdict.allowed ? 'outlier' : 'rejected';
        const eventNid = interner.nextEventNid();
        known.set(eventId, { eventNid, eventId, kind, event });
        rows.push(
          unpositionedRow({
            pdu,
            roomNid: room.roomNid,
            eventNid,
            senderNid: senders.get(event.sender) ?? 0,
            keyNid: keyNidOf.get(eventId) ?? null,
            authEvents,
            verdict,
            kind: 'outlier',
          }),
        );
      }
      await insertUnpositionedEvents(sql, rows);
      await nextTurnOfLoop();
    }
    return known;
  };
}

/** Auth events before what they allow, and the create event, which from version 12 on is nobody's, before all. */
function sortByAuth(pdus: ReadonlyMap<string, CheckedPdu>): CheckedPdu[] {
  return sortByNeeds(
    [...pdus.values()].sort((a, b) => Number(isCreate(b)) - Number(isCreate(a))),
    listAuthEventIds,
  );
}

function isCreate({ event }: CheckedPdu): boolean {
  return event.type === CREATE;
}

/** A room begins once. */
function checkBeginning({ event, eventId }: CheckedPdu, beginning: string | undefined, rules: RoomVersionRules): Verdict {
  return beginning !== undefined && beginning !== eventId ? SECOND_CREATE : checkAuthRules(event, createAuthState([]), rules);
}
