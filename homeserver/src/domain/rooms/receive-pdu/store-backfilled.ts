import { listAuthEventIds, listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { Verdict } from 'federation-spec/verdict.ts';
import {
  type BackwardExtremity,
  deleteBackwardExtremities,
  insertBackwardExtremities,
  listAwaited,
} from '../../../storage/backward-extremities.ts';
import type { Database } from '../../../storage/database.ts';
import { insertUnpositionedEvents, listEventsById, type StoredEvent } from '../../../storage/events.ts';
import { adoptOutlier } from '../../../storage/outliers.ts';
import { insertSearchHistory } from '../../../storage/search.ts';
import { insertStateDeltas } from '../../../storage/state.ts';
import type { Log } from '../../streams/log.ts';
import { isOnSameSide } from '../gap-place.ts';
import type { HotRoom } from '../hot-room.ts';
import type { Interner } from '../interner.ts';
import { readPdu } from '../read-pdu.ts';
import type { Redactions } from '../redactions.ts';
import { referenceTo } from '../reference-event.ts';
import type { StickyEvents } from '../sticky/sticky-events.ts';
import { stickyMsOf } from '../sticky/sticky-of.ts';
import { checkByAuthEvents, toKnownEvent } from './auth-states.ts';
import type { CheckedPdu } from './check-pdu.ts';
import type { FetchGap } from './fetch-gap.ts';
import type { FindHistoryStates, HistoryEvent } from './history-states.ts';
import { layStates } from './lay-states.ts';
import { sortByPrevs } from './sort-by-prevs.ts';
import { unpositionedRow } from './unpositioned-row.ts';

/** Events from before the ones we have, with the server that gave them and the extremities that were asked about. */
export type Backfill = { origin: string; pdus: readonly CheckedPdu[]; extremities: readonly BackwardExtremity[] };

/**
 * Stores them below what is here; they get no position, and no client is told but of a redaction of what it may have been shown. Resolves with
 * how many are new.
 */
export type StoreBackfilled = (room: HotRoom, backfill: Backfill) => Promise<number>;

type Deps = {
  database: Database;
  log: Pick<Log, 'append'>;
  interner: Interner;
  fetchGap: Pick<FetchGap, 'ensureAuthEvents'>;
  findHistoryStates: FindHistoryStates;
  redactions: Pick<Redactions, 'ridersOfHistory'>;
  sticky: Pick<StickyEvents, 'noteHidden' | 'hidden'>;
};

/**
 * Each is checked against its own auth events, and the state before it where that is to be had. They are numbered downwards from the events
 * that build upon them, the newest first, so that reading backwards meets them in the order of the graph.
 */
export function createStoreBackfilled({ database, log, interner, fetchGap, findHistoryStates, redactions, sticky }: Deps): StoreBackfilled {
  const { sql } = database;

  async function toRow(room: HotRoom, pdu: CheckedPdu, present: StoredEvent | undefined): Promise<StoredEvent> {
    const { event } = pdu;
    const authIds = [...new Set(listAuthEventIds(event))];
    const authEvents = (await listEventsById(sql, authIds)).filter((row) => row.roomNid === room.nid).map(toKnownEvent);
    const verdict: Verdict =
      authEvents.length < authIds.length
        ? { allowed: false, reason: 'Its auth events are not to be had.' }
        : checkByAuthEvents(event, authEvents, room.find('m.room.create', ''), room.rules);
    return unpositionedRow({
      pdu,
      roomNid: room.nid,
      eventNid: present?.eventNid ?? interner.nextEventNid(),
      senderNid: await interner.userNid(event.sender),
      keyNid: event.state_key === undefined ? null : await interner.keyNid(event.type, event.state_key),
      authEvents,
      verdict,
      kind: 'backfilled',
    });
  }

  /**
   * The rows of the events, the newest first, and what stands below them: what was asked for, or they build upon, and did not come. A server
   * gives the newest first, so that this is older than all that it gave.
   */
  async function placeRows(room: HotRoom, { pdus: newestFirst, extremities }: Backfill) {
    // Fetched as what allows another, an event may be here as an outlier by now.
    const present = await findPresent(newestFirst);
    const events: HistoryEvent[] = [];
    const awaited = await listAwaited(sql, room.nid, newestFirst.map(idOf));
    const [upper = 0] = extremities.map((extremity) => extremity.topological);
    const above = [...extremities, ...awaited].filter((extremity) => isOnSameSide(upper, extremity.topological));
    let topological = Math.min(upper, ...above.map((extremity) => extremity.topological));
    for (const pdu of newestFirst) {
      const row = await toRow(room, pdu, present.get(pdu.eventId));
      topological -= 1;
      events.push({ event: pdu.event, row: { ...row, topological } });
    }
    const named = [...extremities.map(({ eventId }) => eventId), ...events.flatMap(({ event }) => listPrevEventIds(event))];
    const below = events.length === 0 ? [] : [...new Set(named)].map((eventId) => ({ eventId, topological }));
    return { events, below };
  }

  async function findPresent(pdus: readonly CheckedPdu[]): Promise<Map<string, StoredEvent>> {
    const stored = await listEventsById(sql, pdus.map(idOf));
    return new Map(stored.map((row) => [row.eventId, row]));
  }

  /** Finds the states before the events and rejects what they do not allow. State events must be stored by then for others to rest on. */
  async function judge(room: HotRoom, origin: string, events: readonly HistoryEvent[], extremities: readonly BackwardExtremity[]) {
    const stateful = events.map(({ row }) => row).filter((row) => row.keyNid !== null && row.kind === 'backfilled');
    await insertUnpositionedEvents(
      sql,
      stateful.map((row) => ({ ...row, kind: 'outlier', topological: 0 })),
    );
    const { before, refused } = await findHistoryStates(room, { origin, events: events.toReversed(), extremities });
    for (const { row } of events) {
      const reason = refused.get(row.eventId);
      if (reason !== undefined) Object.assign(row, { kind: 'rejected', reason });
    }
    return before;
  }

  /** Makes stored events part of the log where they stand: they change neither the state nor the heads, and clients are told of them. */
  async function tellLate(room: HotRoom, rows: readonly StoredEvent[]): Promise<void> {
    if (rows.length === 0 || room.isEvicted) return;
    const heads = room.heads.map((head) => head.eventNid);
    const events = rows.map((stored) => {
      const row: StoredEvent = { ...stored, kind: 'timeline' };
      const event = readPdu(row.json);
      const { eventNid, eventId, topological } = row;
      const head = { eventNid, eventId, topological, depth: event.depth, reference: referenceTo(event, eventId, room.rules) };
      const wakes = { users: room.localJoined };
      const logged = { row, isOnMainLine: false, stateChanges: [], memberships: [], heads, wakes };
      return room.stage({ event, head, heads: room.heads, updates: [], isNotifying: false, logged });
    });
    await log.append({ events });
  }

  return async function storeBackfilled(room, { origin, pdus, extremities }) {
    const wasPartial = room.isPartial;
    const newestFirst = listConnected(sortByPrevs(pdus).reverse(), extremities);
    const stored = await findPresent(newestFirst);
    const fresh = newestFirst.filter((pdu) => (stored.get(pdu.eventId)?.kind ?? 'outlier') === 'outlier');
    for (const pdu of fresh) await fetchGap.ensureAuthEvents(room, origin, pdu);
    const { events, below } = await placeRows(room, { origin, pdus: fresh, extremities });
    const before = await judge(room, origin, events, extremities);

    const count = await room.turns.take(async () => {
      if (wasPartial && !room.isPartial) return undefined;
      // Somebody else may have sent it meanwhile.
      const present = await findPresent(fresh);
      const rows = events.map(({ row }) => row).filter((row) => (present.get(row.eventId)?.kind ?? 'outlier') === 'outlier');
      // What was stored meanwhile has another number than the one that its state was laid under.
      if (rows.some(({ eventId, eventNid }) => (present.get(eventId)?.eventNid ?? eventNid) !== eventNid)) return undefined;
      const known = new Set(newestFirst.map(idOf));
      const others = below.map((extremity) => extremity.eventId).filter((id) => !known.has(id));
      for (const row of await listEventsById(sql, others)) if (row.kind !== 'outlier') known.add(row.eventId);

      const accepted = rows.filter((row) => row.kind === 'backfilled');
      // What everybody is to be brought is so also when it is first found here, before its own server brings it.
      const stuck = accepted.filter(({ json }) => stickyMsOf(readPdu(json)) !== undefined);
      const redacted = await redactions.ridersOfHistory(room, accepted);
      await sql.begin(async (tx) => {
        const deltas = await layStates(tx, rows, before);
        await insertUnpositionedEvents(
          tx,
          rows.filter((row) => !present.has(row.eventId)),
        );
        for (const row of rows) if (present.has(row.eventId)) await adoptOutlier(tx, row);
        await insertStateDeltas(tx, deltas);
        await insertSearchHistory(tx, accepted);
        for (const rider of redacted.riders) await rider(tx);
        for (const { eventNid, json } of stuck) await sticky.noteHidden(tx, readPdu(json), eventNid);
        await deleteBackwardExtremities(tx, room.nid, [...known]);
        await insertBackwardExtremities(
          tx,
          room.nid,
          below.filter((extremity) => !known.has(extremity.eventId)),
        );
      });
      if (stuck.length > 0) sticky.hidden(room.nid);
      await tellLate(room, redacted.news);
      return accepted.length;
    });
    if (count === undefined) return await storeBackfilled(room, { origin, pdus, extremities }); // the states are to be had by now, and the numbers are known
    if (count > 0) await log.append({ rows: [{ write: async () => undefined, wakes: { history: [room.nid] } }] });
    return count;
  };
}

/** Those of the events that are what was asked for, or that such an event builds upon: nothing else has a place there. */
function listConnected(newestFirst: readonly CheckedPdu[], extremities: readonly BackwardExtremity[]): CheckedPdu[] {
  const wanted = new Set(extremities.map((extremity) => extremity.eventId));
  return newestFirst.filter(({ event, eventId }) => {
    if (!wanted.has(eventId)) return false;
    for (const id of listPrevEventIds(event)) wanted.add(id);
    return true;
  });
}

function idOf(pdu: CheckedPdu): string {
  return pdu.eventId;
}
