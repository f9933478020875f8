import { encodeCanonicalJson } from 'federation-spec/canonical-json/encode-canonical-json.ts';
import { listAuthEventIds, listPrevEventIds } from 'federation-spec/events/edges.ts';
import { type BackwardExtremity, deleteBackwardExtremities, insertBackwardExtremities } from '../../../storage/backward-extremities.ts';
import type { Database } from '../../../storage/database.ts';
import { insertUnpositionedEvents, listEventsById, type StoredEvent } from '../../../storage/events.ts';
import { adoptOutlier } from '../../../storage/outliers.ts';
import type { HotRoom } from '../hot-room.ts';
import type { Interner } from '../interner.ts';
import type { Redactions } from '../redactions.ts';
import { checkByAuthEvents, toKnownEvent } from './auth-states.ts';
import type { CheckedPdu } from './check-pdu.ts';
import type { FetchGap } from './fetch-gap.ts';
import { sortByPrevs } from './sort-by-prevs.ts';

/** Events from before the ones we have, with the server that gave them and the extremities that were asked about. */
export type Backfill = { origin: string; pdus: readonly CheckedPdu[]; extremities: readonly BackwardExtremity[] };

/** Stores them below what is here; they get no position and nobody is told. Resolves with how many are new. */
export type StoreBackfilled = (room: HotRoom, backfill: Backfill) => Promise<number>;

type Deps = { database: Database; interner: Interner; fetchGap: FetchGap; redactions: Pick<Redactions, 'ridersOfHistory'> };

/**
 * Each is checked against its own auth events; the state before it stays unknown. They are numbered downwards from the events that build
 * upon them, the newest first, so that reading backwards meets them in the order of the graph.
 */
export function createStoreBackfilled({ database, interner, fetchGap, redactions }: Deps): StoreBackfilled {
  const { sql } = database;

  async function toRow(room: HotRoom, { event, eventId }: CheckedPdu, present: StoredEvent | undefined): Promise<StoredEvent | undefined> {
    const authIds = [...new Set(listAuthEventIds(event))];
    const authEvents = (await listEventsById(sql, authIds)).filter((row) => row.roomNid === room.nid).map(toKnownEvent);
    if (authEvents.length < authIds.length) return undefined;
    const verdict = checkByAuthEvents(event, authEvents, room.find('m.room.create', ''), room.rules);
    return {
      eventNid: present?.eventNid ?? interner.nextEventNid(),
      eventId,
      roomNid: room.nid,
      kind: verdict.allowed ? 'backfilled' : 'rejected',
      position: null,
      topological: 0,
      senderNid: await interner.userNid(event.sender),
      type: event.type,
      keyNid: event.state_key === undefined ? null : await interner.keyNid(event.type, event.state_key),
      originServerTs: event.origin_server_ts,
      auth: authEvents.map((auth) => auth.eventNid),
      basePos: null,
      baseSnapshot: null,
      notifySeq: 0,
      deviceId: null,
      txnPath: null,
      reason: verdict.allowed ? null : verdict.reason,
      redactedBy: null,
      json: encodeCanonicalJson(event),
    };
  }

  return async (room, { origin, pdus, extremities }) => {
    const newestFirst = listConnected(sortByPrevs(pdus).reverse(), extremities);
    const ids = newestFirst.map((pdu) => pdu.eventId);
    const findPresent = async () => new Map((await listEventsById(sql, ids)).map((row) => [row.eventId, row]));
    const before = await findPresent();
    const fresh = newestFirst.filter((pdu) => (before.get(pdu.eventId)?.kind ?? 'outlier') === 'outlier');
    for (const pdu of fresh) await fetchGap.ensureAuthEvents(room, origin, pdu);
    // Fetched as what allows another, an event may be here as an outlier by now.
    const present = await findPresent();

    const rows: StoredEvent[] = [];
    const below: BackwardExtremity[] = [];
    let topological = Math.min(...extremities.map((extremity) => extremity.topological));
    for (const pdu of fresh) {
      const row = await toRow(room, pdu, present.get(pdu.eventId));
      if (row === undefined) continue;
      topological -= 1;
      rows.push({ ...row, topological });
      below.push(...listPrevEventIds(pdu.event).map((eventId) => ({ eventId, topological })));
    }
    const known = new Set([...rows.map((row) => row.eventId), ...newestFirst.map((pdu) => pdu.eventId)]);
    const stored = await listEventsById(
      sql,
      below.map((extremity) => extremity.eventId).filter((id) => !known.has(id)),
    );
    for (const row of stored) if (row.kind !== 'outlier') known.add(row.eventId);

    const redactionRiders = await redactions.ridersOfHistory(
      room,
      rows.filter((row) => row.kind === 'backfilled'),
    );
    await sql.begin(async (tx) => {
      await insertUnpositionedEvents(
        tx,
        rows.filter((row) => !present.has(row.eventId)),
      );
      for (const row of rows) if (present.has(row.eventId)) await adoptOutlier(tx, row);
      for (const rider of redactionRiders) await rider(tx);
      await deleteBackwardExtremities(tx, room.nid, [...known]);
      await insertBackwardExtremities(tx, room.nid, dedupe(below.filter((extremity) => !known.has(extremity.eventId))));
    });
    return rows.filter((row) => row.kind === 'backfilled').length;
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

/** One entry per event; the first stands nearest to what builds upon it. */
function dedupe(extremities: readonly BackwardExtremity[]): BackwardExtremity[] {
  const byId = new Map<string, BackwardExtremity>();
  for (const extremity of extremities) if (!byId.has(extremity.eventId)) byId.set(extremity.eventId, extremity);
  return [...byId.values()];
}
