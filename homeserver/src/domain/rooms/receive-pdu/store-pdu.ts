import { encodeCanonicalJson } from 'federation-spec/canonical-json/encode-canonical-json.ts';
import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import { deleteBackwardExtremities, insertBackwardExtremities } from '../../../storage/backward-extremities.ts';
import type { Database, Sql } from '../../../storage/database.ts';
import { type EventKind, insertUnpositionedEvents, listEventsById, listEventsByNid, type StoredEvent } from '../../../storage/events.ts';
import { adoptOutlier } from '../../../storage/outliers.ts';
import { insertSnapshot, insertStateDelta } from '../../../storage/state.ts';
import type { Log } from '../../streams/log.ts';
import type { Rider } from '../../streams/log-batch.ts';
import { usersAtCommit } from '../../streams/users-at-commit.ts';
import { placeBehindGap } from '../gap-place.ts';
import { type HotRoom, MEMBER, type PreparedEvent, type StateUpdate, toLoggedChanges, toMembershipChanges } from '../hot-room.ts';
import type { HotRooms } from '../hot-rooms.ts';
import type { Interner } from '../interner.ts';
import { readPdu } from '../read-pdu.ts';
import type { Redactions } from '../redactions.ts';
import { referenceTo } from '../reference-event.ts';
import { type Head, notifiesByDefault } from '../room-event.ts';
import type { StickyEvents } from '../sticky/sticky-events.ts';
import { stickyMsOf } from '../sticky/sticky-of.ts';
import type { CheckedPdu } from './check-pdu.ts';
import type { GraphEdges } from './graph-edges.ts';
import { diffStates, loadStateAfter, type NidState } from './nid-state.ts';
import type { Reception, StateBefore } from './reception.ts';
import type { ResolveStates } from './resolve-states.ts';

/** A state that differs in more keys than this from the room's is stored whole. */
const MAX_DELTA_KEYS = 200;

type Place = { before: StateBefore; auth: number[]; eventNid: number; present: StoredEvent | undefined; edges: GraphEdges };

/** Writes a received event with its state; call it inside the room's turn. */
export type StorePdu = {
  /** As part of the room: it becomes a head, and changes the current state. */
  onTimeline: (room: HotRoom, pdu: CheckedPdu, place: Place & { riders: readonly Rider[] }) => Promise<Reception>;
  /** Beside it: kept for what may refer to it, shown to nobody. */
  aside: (
    room: HotRoom,
    pdu: CheckedPdu,
    place: Place & {
      kind: 'rejected' | 'soft_failed';
      reason: string;
      /** It is kept out by the room's state, and what that becomes may make it right. */
      isByState?: boolean;
    },
  ) => Promise<Reception>;
};

type Deps = {
  database: Database;
  log: Log;
  rooms: HotRooms;
  interner: Interner;
  redactions: Redactions;
  resolveStates: ResolveStates;
  sticky: Pick<StickyEvents, 'ridersOf' | 'noteHidden' | 'hidden'>;
  serverName: string;
};

export function createStorePdu({ database, log, rooms, interner, redactions, resolveStates, sticky, serverName }: Deps): StorePdu {
  const { sql } = database;

  async function rowOf(room: HotRoom, { event, eventId }: CheckedPdu, place: Place, kind: EventKind): Promise<StoredEvent> {
    const { before } = place;
    const basePos = before.isMainLine ? log.position() : before.at;
    return {
      eventNid: place.eventNid,
      eventId,
      roomNid: room.nid,
      kind,
      position: null,
      topological: await topologicalOf(room, event, place.edges),
      senderNid: await interner.userNid(event.sender),
      type: event.type,
      keyNid: event.state_key === undefined ? null : await interner.keyNid(event.type, event.state_key),
      originServerTs: event.origin_server_ts,
      auth: place.auth,
      basePos,
      baseSnapshot: null,
      notifySeq: 0,
      deviceId: null,
      txnPath: null,
      reason: null,
      redactedBy: null,
      json: encodeCanonicalJson(event),
    };
  }

  /**
   * One more than the largest of what it builds upon, by our own count. What builds upon something that is not here stands behind a gap;
   * but an event upon which others were seen to build stands before them.
   */
  async function topologicalOf(room: HotRoom, event: Pdu, { missing, awaited }: GraphEdges): Promise<number> {
    if (missing.length > 0 && awaited !== undefined) return awaited.topological - 1;
    if (missing.length > 0) return placeBehindGap(Math.max(0, ...room.heads.map((head) => head.topological)));
    const prevIds = listPrevEventIds(event);
    const heads = room.heads.filter((head) => prevIds.includes(head.eventId));
    const others = prevIds.filter((id) => !heads.some((head) => head.eventId === id));
    const stored = await listEventsById(sql, others);
    return 1 + Math.max(0, ...heads.map((head) => head.topological), ...stored.map((row) => row.topological));
  }

  /** Stores how the state before the event differs from the room's. Sets the row's base; what is returned is to be written after the row. */
  async function storeStateBefore(row: StoredEvent, before: StateBefore): Promise<Rider[]> {
    if (before.isMainLine) return [];
    const delta = diffStates(before.current, before.state);
    if (delta.length <= MAX_DELTA_KEYS) return delta.length === 0 ? [] : [(tx: Sql) => insertStateDelta(tx, row.eventNid, delta)];
    row.basePos = null;
    row.baseSnapshot = await insertSnapshot(
      sql,
      [...before.state].map(([keyNid, eventNid]) => ({ keyNid, eventNid })),
    );
    return [];
  }

  /** What the event changes in the room's current state: itself, and on a fork whatever the heads' states resolve to. */
  async function findUpdates(room: HotRoom, { event, eventId }: CheckedPdu, row: StoredEvent, before: StateBefore, heads: readonly Head[]) {
    const own = row.keyNid === null ? undefined : await updateOf(row.keyNid, { eventNid: row.eventNid, eventId, event });
    if (before.isMainLine) return own === undefined ? [] : [own];

    const states: NidState[] = [];
    if (heads.some((head) => head.eventNid === row.eventNid)) {
      states.push(row.keyNid === null ? before.state : new Map(before.state).set(row.keyNid, row.eventNid));
    }
    const others = heads.filter((head) => head.eventNid !== row.eventNid).map((head) => head.eventNid);
    for (const head of await listEventsByNid(sql, others)) {
      const state = await loadStateAfter(sql, head, { at: before.at, state: before.current });
      if (state === undefined) throw new Error(`the state after the head ${head.eventId} is not known`);
      states.push(state);
    }
    const resolved = await resolveWith(room, states, { event, row });
    const updates: StateUpdate[] = [];
    const delta = diffStates(before.current, resolved);
    const stored = await listEventsByNid(
      sql,
      delta.flatMap((change) => [change.stateEventNid ?? before.current.get(change.keyNid) ?? 0]),
    );
    for (const { keyNid, stateEventNid } of delta) {
      if (stateEventNid === row.eventNid && own !== undefined) updates.push(own);
      else {
        const holder = stored.find((candidate) => candidate.eventNid === (stateEventNid ?? before.current.get(keyNid)));
        if (holder === undefined) throw new Error(`the state event ${stateEventNid} is not stored`);
        const entry = { eventNid: holder.eventNid, eventId: holder.eventId, event: readPdu(holder.json) };
        const update = await updateOf(keyNid, entry);
        updates.push(stateEventNid === null ? { ...update, entry: undefined } : update);
      }
    }
    return updates;
  }

  /** The resolution must be able to read the new event, which is not stored yet: it is put there first, as an outlier. */
  async function resolveWith(room: HotRoom, states: readonly NidState[], { row }: { event: Pdu; row: StoredEvent }): Promise<NidState> {
    if (row.keyNid !== null && states.length > 1)
      await insertUnpositionedEvents(sql, [{ ...row, kind: 'outlier', basePos: null, baseSnapshot: null }]);
    return await resolveStates(room.rules, states);
  }

  async function updateOf(keyNid: number, entry: { eventNid: number; eventId: string; event: Pdu }): Promise<StateUpdate> {
    const { type, state_key: stateKey = '' } = entry.event;
    const update: StateUpdate = { type, stateKey, keyNid, entry: { keyNid, ...entry } };
    if (type !== MEMBER) return update;
    const userNid = await interner.userNid(stateKey);
    return { ...update, member: { userNid, isLocal: stateKey.endsWith(`:${serverName}`) } };
  }

  return {
    onTimeline: async (room, pdu, place) => {
      const row = await rowOf(room, pdu, place, 'timeline');
      const { missing, awaited, covered } = place.edges;
      const reference = referenceTo(pdu.event, row.eventId, room.rules);
      const head: Head = { eventNid: row.eventNid, eventId: row.eventId, topological: row.topological, depth: pdu.event.depth, reference };
      const others = room.heads.filter((candidate) => !covered.has(candidate.eventId));
      const heads = awaited === undefined ? [...others, head] : others;
      const stateRiders = await storeStateBefore(row, place.before);
      const updates = await findUpdates(room, pdu, row, place.before, heads);
      await rooms.ensureMembers(
        room,
        updates.flatMap((update) => (update.type === MEMBER ? [update.stateKey] : [])),
      );
      const members = updates.flatMap((update) => (update.member?.isLocal === true ? [update.member.userNid] : []));
      const prepared: PreparedEvent = {
        event: pdu.event,
        head,
        heads,
        updates,
        isNotifying: notifiesByDefault(pdu.event),
        logged: {
          row,
          isOnMainLine: place.before.isMainLine,
          stateChanges: toLoggedChanges(updates),
          memberships: toMembershipChanges(updates),
          heads: heads.map((candidate) => candidate.eventNid),
          wakes: { users: usersAtCommit(room.localJoined, members) },
        },
      };
      const extremities = missing.map((eventId) => ({ eventId, topological: row.topological }));
      const riders = [...stateRiders, ...(await redactions.ridersOf(room, prepared)), ...place.riders];
      riders.push(...sticky.ridersOf(pdu.event, row.eventNid));
      if (awaited !== undefined) riders.push((tx) => deleteBackwardExtremities(tx, room.nid, [row.eventId]));
      if (missing.length > 0) riders.push((tx) => insertBackwardExtremities(tx, room.nid, extremities));
      const committed = log.append({ events: [room.stage(prepared)], riders });
      // A refusal is seen by whoever awaits the commit.
      committed.catch(() => undefined);
      return { outcome: 'accepted', eventNid: row.eventNid, committed };
    },

    aside: async (room, pdu, place) => {
      if (place.before.isMainLine) await log.drained();
      const row = { ...(await rowOf(room, pdu, place, place.kind)), reason: place.reason };
      const riders = await storeStateBefore(row, place.before);
      await sql.begin(async (tx) => {
        if (place.present === undefined) await insertUnpositionedEvents(tx, [row]);
        else await adoptOutlier(tx, row);
        for (const rider of riders) await rider(tx);
        if (place.isByState === true) await sticky.noteHidden(tx, pdu.event, row.eventNid);
      });
      if (place.isByState === true && stickyMsOf(pdu.event) !== undefined) sticky.hidden(room.nid);
      return { outcome: place.kind, reason: place.reason, eventNid: row.eventNid, committed: Promise.resolve() };
    },
  };
}
