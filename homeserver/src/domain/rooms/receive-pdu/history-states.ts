import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import type { BackwardExtremity } from '../../../storage/backward-extremities.ts';
import type { Sql } from '../../../storage/database.ts';
import { listEventsById, type StoredEvent } from '../../../storage/events.ts';
import { listEventsFrom } from '../../../storage/timeline.ts';
import type { HotRoom } from '../hot-room.ts';
import { readPdu } from '../read-pdu.ts';
import type { CheckByState } from './check-by-state.ts';
import type { FetchGap } from './fetch-gap.ts';
import {
  asBase,
  flatten,
  holderOf,
  isSameLayer,
  type LayeredState,
  layOn,
  loadLayeredBefore,
  type StateBase,
  withHolder,
} from './layered-state.ts';
import type { NidState } from './nid-state.ts';
import type { ResolveStates } from './resolve-states.ts';

/** For how many events of a stretch a server is asked for the state before them: a straight stretch needs one. */
const MAX_STATES_ASKED = 3;
/** How many events are looked at for those that build upon the stretch. */
const MAX_ANCHORS = 20;

/** An event that is to be stored, with its row; a row that is rejected changes no state. */
export type HistoryEvent = { event: Pdu; row: StoredEvent };

export type HistoryStretch = {
  origin: string;
  /** The oldest first, so that each comes after those of them that it builds upon. Those of the state are in the database already, as outliers. */
  events: readonly HistoryEvent[];
  /** By which events that are here build upon it. */
  extremities: readonly BackwardExtremity[];
};

/** The states before the events of a stretch of history, by event id, as far as they are to be had; and which of them their state refuses. */
export type FindHistoryStates = (
  room: HotRoom,
  stretch: HistoryStretch,
) => Promise<{ before: Map<string, LayeredState>; refused: Map<string, string> }>;

type Deps = { sql: Sql; fetchGap: Pick<FetchGap, 'stateOfHistory'>; resolveStates: ResolveStates; checkByState: CheckByState };

/**
 * 1. From above: what an event builds upon has that event's state before it as the state after it, if it builds upon nothing else; and a
 *    message changes no state. So the messages right below what is here cost nothing.
 * 2. From below, the oldest first: the state before an event is what the states after its prev_events resolve to. Where one of those is not
 *    here, the server that gave the stretch is asked.
 * 3. An event that the state before it does not allow is rejected.
 *
 * https://spec.matrix.org/latest/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export function createFindHistoryStates({ sql, fetchGap, resolveStates, checkByState }: Deps): FindHistoryStates {
  /** The states after events of the stretch that follow from what is here above it. */
  async function findFromAbove(room: HotRoom, { extremities, events }: HistoryStretch) {
    const before = new Map<string, LayeredState>();
    let base: StateBase | undefined;
    // While members are not known, the states here lack them.
    if (room.isPartial) return { before, base };
    const after = new Map<string, LayeredState>();
    for (const { eventId, topological } of extremities) {
      const [from, to] = [topological, topological - 1].map((place) => ({ topological: place, eventNid: Number.MAX_SAFE_INTEGER }));
      if (from === undefined) continue;
      const above = await listEventsFrom(sql, { roomNid: room.nid, from, to, direction: 'backwards', limit: MAX_ANCHORS });
      const anchor = above.find((row) => isOnly(eventId, readPdu(row.json)));
      const state = anchor === undefined ? undefined : await loadLayeredBefore(sql, anchor);
      if (state === undefined) continue;
      base ??= state.base;
      after.set(eventId, state);
    }
    for (const { event, row } of [...events].reverse()) {
      const state = after.get(row.eventId);
      if (state === undefined || changesState(row)) continue;
      before.set(row.eventId, state);
      const [prevId] = listPrevEventIds(event);
      if (prevId !== undefined && isOnly(prevId, event)) after.set(prevId, state);
    }
    return { before, base };
  }

  return async function findHistoryStates(room, stretch) {
    const { before, base } = await findFromAbove(room, stretch); // 1
    const after = new Map<string, LayeredState>();
    const refused = new Map<string, string>();
    let asked = 0;

    /** The state after an event that may be part of the stretch, or be here already. */
    async function findAfter(eventId: string): Promise<LayeredState | undefined> {
      const known = after.get(eventId);
      if (known !== undefined) return known;
      const [stored] = await listEventsById(sql, [eventId]);
      if (stored === undefined || stored.roomNid !== room.nid || room.isPartial) return undefined;
      const state = await loadLayeredBefore(sql, stored);
      return state === undefined || !changesState(stored) ? state : withHolder(state, stored.keyNid, stored.eventNid);
    }

    async function findBefore({ event, row }: HistoryEvent): Promise<LayeredState | undefined> {
      const prevIds = listPrevEventIds(event);
      if (prevIds.length === 0) return asBase(new Map());
      const states: LayeredState[] = [];
      for (const prevId of prevIds) states.push(...[await findAfter(prevId)].filter((state) => state !== undefined));
      if (states.length === prevIds.length) return await merge(room, states);
      asked += 1;
      if (asked > MAX_STATES_ASKED) return undefined;
      const state = await fetchGap.stateOfHistory(room, stretch.origin, row.eventId);
      if (state === undefined) asked = MAX_STATES_ASKED;
      return state === undefined ? undefined : layOn(states[0]?.base ?? base, state);
    }

    for (const entry of stretch.events) {
      const { event, row } = entry;
      const state = before.get(row.eventId) ?? (await findBefore(entry)); // 2
      if (state === undefined) continue;
      before.set(row.eventId, state);
      const verdict = await checkByState(event, (keyNid) => holderOf(state, keyNid), { rules: room.rules }); // 3
      if (!verdict.allowed) refused.set(row.eventId, verdict.reason);
      after.set(row.eventId, verdict.allowed && changesState(row) ? withHolder(state, row.keyNid, row.eventNid) : state);
    }
    return { before, refused };
  };

  async function merge(room: HotRoom, states: readonly LayeredState[]): Promise<LayeredState | undefined> {
    const [first, ...others] = states;
    if (first === undefined || others.every((other) => isSameLayer(first, other))) return first;
    const resolved: NidState = await resolveStates(room.rules, states.map(flatten));
    return layOn(first.base, resolved);
  }
}

function changesState(row: StoredEvent): row is StoredEvent & { keyNid: number } {
  return row.keyNid !== null && row.kind !== 'rejected';
}

function isOnly(prevId: string, event: Pdu): boolean {
  return listPrevEventIds(event).every((id) => id === prevId) && listPrevEventIds(event).includes(prevId);
}
