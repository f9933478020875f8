import { checkAuthRules } from 'federation-spec/auth-rules/check-auth-rules.ts';
import { listAuthEventIds, listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import type { Verdict } from 'federation-spec/verdict.ts';
import type { Database } from '../../../storage/database.ts';
import { listEventsById, type StoredEvent } from '../../../storage/events.ts';
import type { Log } from '../../streams/log.ts';
import type { Rider } from '../../streams/log-batch.ts';
import type { HotRoom } from '../hot-room.ts';
import type { HotRooms } from '../hot-rooms.ts';
import type { Interner } from '../interner.ts';
import { hasState } from '../learn-standing.ts';
import type { Policy } from '../policy/policy-server.ts';
import { checkByAuthEvents, type KnownEvent, listCurrent, listNeededMembers, supplementState, toKnownEvent } from './auth-states.ts';
import { createCheckByState } from './check-by-state.ts';
import type { CheckedPdu } from './check-pdu.ts';
import type { FetchGap } from './fetch-gap.ts';
import type { FetchMissing } from './fetch-missing.ts';
import { findGraphEdges, onHeads } from './graph-edges.ts';
import { MissingHistory } from './missing-history.ts';
import { loadStateAfter, loadStateAt, type NidState } from './nid-state.ts';
import type { Reception, StateBefore } from './reception.ts';
import type { ResolveStates } from './resolve-states.ts';
import type { StorePdu } from './store-pdu.ts';

/** At how many places of one gap other servers are asked for the state. */
const MAX_STATES_OF_GAP = 20;

export type ReceiveOptions = {
  /** The server to ask for what is missing. `MissingHistory` is thrown when neither it nor another gives what the event builds upon. */
  origin: string;
  /** Throws when the room's policy server gives no verdict, so that the event can be tried again; else the event is soft-failed then. */
  awaitsPolicyServer?: boolean;
  /** What must commit with the event, if it is accepted. */
  riders?: (eventNid: number) => readonly Rider[];
};

export type ReceivePdu = (room: HotRoom, pdu: CheckedPdu, options: ReceiveOptions) => Promise<Reception>;
/** The same for an event with which nothing is missing; `undefined`, and nothing done, when other servers would have to be asked first. */
export type ReceiveCompletePdu = (room: HotRoom, pdu: CheckedPdu, options: ReceiveOptions) => Promise<Reception | undefined>;

type Deps = {
  database: Database;
  log: Log;
  rooms: HotRooms;
  interner: Interner;
  fetchGap: FetchGap;
  fetchMissing: FetchMissing;
  storePdu: StorePdu;
  policy: Policy;
  resolveStates: ResolveStates;
};

/**
 * Takes in an event that passed steps 1 to 3 (`checkPdu`). Events of one room must be handed over one after the other.
 *
 * - What it builds upon and we lack is fetched first: the events in between, else the state there.
 * - 4. It must be allowed by its own auth events, else it is rejected.
 * - 5. It must be allowed by the state before it, else it is rejected.
 * - 6. It must be allowed by the current state, else it is soft-failed: kept, but shown to nobody and built upon by nobody here.
 * - 7. The room's policy server, if it has one, must have signed it, or sign it now; else it is soft-failed.
 *
 * https://spec.matrix.org/latest/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export function createReceivePdu({ database, log, rooms, interner, fetchGap, fetchMissing, storePdu, policy, resolveStates }: Deps): {
  receivePdu: ReceivePdu;
  receiveCompletePdu: ReceiveCompletePdu;
} {
  const { sql } = database;
  const checkByState = createCheckByState({ sql, interner });
  /** Accepted events whose commit is still under way, by id. */
  const inFlight = new Map<string, Reception>();

  /** What is stored under these ids, after what memory is ahead of the database has been written. */
  async function findStored(room: HotRoom, eventIds: readonly string[]): Promise<Map<string, StoredEvent>> {
    const find = async () => (await listEventsById(sql, eventIds)).filter((event) => event.roomNid === room.nid);
    let found = await find();
    if (found.length < new Set(eventIds).size) {
      await log.drained();
      found = await find();
    }
    return new Map(found.map((event) => [event.eventId, event]));
  }

  async function receive(room: HotRoom, pdu: CheckedPdu, options: ReceiveOptions): Promise<Reception> {
    const states = { left: MAX_STATES_OF_GAP };
    const missing = await listMissingPrevs(room, pdu.event);
    if (missing.length > 0) {
      for (const earlier of await fetchMissing(room, options.origin, pdu)) {
        await (await receiveNext(room, earlier, { ...options, riders: () => [] }, states)).committed;
      }
    }
    return await receiveNext(room, pdu, options, states);
  }

  async function listMissingPrevs(room: HotRoom, event: Pdu): Promise<string[]> {
    if (isOnHeads(room, event)) return [];
    const prevIds = listPrevEventIds(event);
    const lacking = async () => {
      const stored = await findStored(room, prevIds);
      return prevIds.filter((id) => !isWhole(stored.get(id)));
    };
    if ((await lacking()).length === 0) return [];
    // One that is on its way into the log may stand there as an outlier until it is.
    await log.drained();
    return await lacking();
  }

  /** Receives an event whose gap, if there was one, is as small as it will get. The network is asked outside the room's turn. */
  async function receiveNext(room: HotRoom, pdu: CheckedPdu, options: ReceiveOptions, states: { left: number }): Promise<Reception> {
    const known = await findKnown(pdu.eventId);
    if (known !== undefined && 'outcome' in known) return known;
    await fetchGap.ensureAuthEvents(room, options.origin, pdu);
    const fetched = new Map<string, NidState>();
    for (const prevId of await listMissingPrevs(room, pdu.event)) {
      if (states.left === 0) throw new MissingHistory(`${options.origin} leaves out too much of ${room.roomId}`);
      states.left -= 1;
      const state = fetchGap.stateAfterMissing(room, options.origin, prevId).catch((cause: unknown) => {
        throw new MissingHistory(`nobody gives the state of ${room.roomId} at ${prevId}`, { cause });
      });
      fetched.set(prevId, await state);
    }
    const event = await policy.trySign(room, pdu.event, { throwsSilence: options.awaitsPolicyServer });
    return await room.turns.take(() => judgeOnce(room, { ...pdu, event }, fetched, options));
  }

  /** Nobody else can take in the same event during the turn. */
  async function judgeOnce(
    room: HotRoom,
    pdu: CheckedPdu,
    fetched: ReadonlyMap<string, NidState>,
    options: ReceiveOptions,
  ): Promise<Reception> {
    const known = await findKnown(pdu.eventId);
    if (known !== undefined && 'outcome' in known) return known;
    const reception = await judge(room, pdu, fetched, known, options);
    inFlight.set(pdu.eventId, reception);
    const forget = () => inFlight.delete(pdu.eventId);
    reception.committed.then(forget, forget);
    return reception;
  }

  /** What is known of an event: that it was received, or that it is stored as an outlier. */
  async function findKnown(eventId: string): Promise<Reception | StoredEvent | undefined> {
    const underWay = inFlight.get(eventId);
    if (underWay !== undefined) return { ...underWay, outcome: 'known' };
    const [stored] = await listEventsById(sql, [eventId]);
    if (stored === undefined || stored.kind === 'outlier') return stored;
    const judgement = stored.kind === 'rejected' || stored.kind === 'soft_failed' ? { reason: `It was ${stored.kind} before.` } : {};
    return { outcome: 'known', eventNid: stored.eventNid, committed: Promise.resolve(), ...judgement };
  }

  async function judge(
    room: HotRoom,
    pdu: CheckedPdu,
    fetched: ReadonlyMap<string, NidState>,
    present: StoredEvent | undefined,
    options: ReceiveOptions,
  ): Promise<Reception> {
    const { event } = pdu;
    const { authIds, authEvents } = await findAuthEvents(room, event);
    const create = room.find('m.room.create', '');
    const before = await findStateBefore(room, event, fetched);
    const place = {
      before,
      edges: before.isMainLine ? onHeads(event) : await findGraphEdges(sql, room, pdu),
      present,
      auth: authEvents.map((auth) => auth.eventNid),
      eventNid: present?.eventNid ?? interner.nextEventNid(),
    };

    const lacksAuth = authEvents.length < authIds.length;
    const byAuth: Verdict = lacksAuth
      ? { allowed: false, reason: 'Its auth events are not to be had.' }
      : checkByAuthEvents(event, authEvents, create, room.rules); // 4
    if (!byAuth.allowed) return await storePdu.aside(room, pdu, { ...place, kind: 'rejected', reason: byAuth.reason });

    const supplement = room.isPartial ? authEvents.map((auth) => auth.event) : [];
    const byStateBefore = before.isMainLine
      ? checkAuthRules(event, supplementState(room, supplement), room.rules)
      : await checkByState(event, (keyNid) => before.state.get(keyNid), { rules: room.rules, supplement }); // 5
    if (!byStateBefore.allowed) return await storePdu.aside(room, pdu, { ...place, kind: 'rejected', reason: byStateBefore.reason });

    // A room that is not whole yet is checked again when it is.
    const byCurrent = before.isMainLine || room.isPartial ? byStateBefore : checkAuthRules(event, room, room.rules); // 6
    if (!byCurrent.allowed)
      return await storePdu.aside(room, pdu, { ...place, kind: 'soft_failed', reason: byCurrent.reason, isByState: true });
    if (!(await policy.isRecommended(room, event)))
      return await storePdu.aside(room, pdu, { ...place, kind: 'soft_failed', reason: 'The policy server does not recommend it.' }); // 7
    return await storePdu.onTimeline(room, pdu, { ...place, riders: options.riders?.(place.eventNid) ?? [] });
  }

  /** The ids of its auth events, and those of them that are here. Most are current state, for which nothing need be read. */
  async function findAuthEvents(room: HotRoom, event: Pdu): Promise<{ authIds: string[]; authEvents: KnownEvent[] }> {
    await rooms.ensureMembers(room, listNeededMembers(event, room.rules));
    const authIds = [...new Set(listAuthEventIds(event))];
    const current = new Map(listCurrent(room, event, authIds).map((known) => [known.eventId, known]));
    const others = authIds.filter((id) => !current.has(id));
    const stored = others.length === 0 ? undefined : await findStored(room, others);
    const find = (id: string): KnownEvent[] => {
      const row = stored?.get(id);
      return [current.get(id) ?? (row === undefined ? undefined : toKnownEvent(row))].filter((known) => known !== undefined);
    };
    return { authIds, authEvents: authIds.flatMap(find) };
  }

  async function findStateBefore(room: HotRoom, event: Pdu, fetched: ReadonlyMap<string, NidState>): Promise<StateBefore> {
    if (isOnHeads(room, event)) return { isMainLine: true };
    await log.drained();
    const at = log.position();
    const current = await loadStateAt(sql, room.nid, at);
    const prevIds = listPrevEventIds(event);
    const stored = await findStored(room, prevIds);
    const states: NidState[] = [];
    for (const prevId of prevIds) {
      const prev = stored.get(prevId);
      const state = fetched.get(prevId) ?? (prev === undefined ? undefined : await loadStateAfter(sql, prev, { at, state: current }));
      if (state === undefined) throw new Error(`the state after ${prevId} in ${room.roomId} is not known`);
      states.push(state);
    }
    return { isMainLine: false, state: await resolveStates(room.rules, states), current, at };
  }

  async function lacksAuthEvents(room: HotRoom, event: Pdu): Promise<boolean> {
    const { authIds, authEvents } = await findAuthEvents(room, event);
    return authEvents.length < authIds.length;
  }

  return {
    receivePdu: receive,
    receiveCompletePdu: async (room, pdu, options) => {
      const isComplete = (await listMissingPrevs(room, pdu.event)).length === 0 && !(await lacksAuthEvents(room, pdu.event));
      if (!isComplete || !(await policy.isRecommended(room, pdu.event))) {
        const known = await findKnown(pdu.eventId);
        return known !== undefined && 'outcome' in known ? known : undefined;
      }
      return await room.turns.take(() => judgeOnce(room, pdu, new Map(), options));
    },
  };
}

/** Whether an event builds upon exactly the room's heads. */
function isOnHeads(room: HotRoom, event: Pdu): boolean {
  const prevIds = new Set(listPrevEventIds(event));
  return prevIds.size > 0 && prevIds.size === room.heads.length && room.heads.every((head) => prevIds.has(head.eventId));
}

function isWhole(stored: StoredEvent | undefined): boolean {
  return stored !== undefined && hasState(stored);
}
