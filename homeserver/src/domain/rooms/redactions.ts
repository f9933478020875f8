import type { AuthState } from 'federation-spec/auth-rules/auth-state.ts';
import { checkRedaction } from 'federation-spec/auth-rules/check-redaction.ts';
import { namedPowerLevel, powerLevelOf } from 'federation-spec/auth-rules/power-levels.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import { redactEvent } from 'federation-spec/events/redact-event.ts';
import { forbidden, notFound, unknown, userSuspended } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { findEvent, forgetReason, listEventsByNid, markRedacted, type StoredEvent } from '../../storage/events.ts';
import { deleteSearchEntries } from '../../storage/search.ts';
import { deleteWaitingRedactions, insertWaitingRedaction, listWaitingRedactions } from '../../storage/waiting-redactions.ts';
import type { Log } from '../streams/log.ts';
import type { Rider } from '../streams/log-batch.ts';
import { type HotRoom, MEMBER, type PreparedEvent } from './hot-room.ts';
import { readPdu } from './read-pdu.ts';
import { authStateOf } from './receive-pdu/auth-states.ts';
import { REDACTS_NOTHING, type StateEntry } from './room-event.ts';

export type Redactions = {
  /**
   * Throws M_FORBIDDEN unless the local sender has the power to redact, or wrote the event, and M_USER_SUSPENDED for others' events when
   * `ownOnly`. What a room stands on cannot be redacted.
   */
  checkSender: (room: HotRoom, redaction: { sender: string; targetId: string; ownOnly?: boolean | undefined }) => Promise<void>;
  /**
   * What must commit with an event: the pruning of what it redacts, or, when that is not here, that it waits for it. An event that a
   * redaction has waited for is pruned itself.
   */
  ridersOf: (room: HotRoom, prepared: Pick<PreparedEvent, 'event' | 'logged' | 'updates'>) => Promise<Rider[]>;
  /**
   * The same for events from before our time, not stored yet: redactions among them, and what is redacted by what is here. `news` are those
   * of the redactions whose targets clients may have been shown already.
   */
  ridersOfHistory: (room: HotRoom, rows: readonly StoredEvent[]) => Promise<{ riders: Rider[]; news: StoredEvent[] }>;
};

/** Types whose events hold a room together. */
const NEVER_REDACTED = new Set(['m.room.create', 'm.room.server_acl']);

/** The id of the event that a redaction names, wherever its room version has it. */
export function redactedIdOf(room: HotRoom, event: Pdu): string | undefined {
  const id = room.rules.redactsInContent ? event.content['redacts'] : event.redacts;
  return typeof id === 'string' ? id : undefined;
}

/**
 * A redaction and its target come in any order. Whether the one may redact the other is asked when both are there.
 * https://spec.matrix.org/latest/rooms/v3/#handling-redactions
 */
export function createRedactions({ database, log }: Deps): Redactions {
  const { sql } = database;

  /** Who might do what when a redaction of another time was made: what its auth events say. */
  async function loadPowers(room: HotRoom, { auth }: { auth: readonly number[] }): Promise<AuthState> {
    const events = (await listEventsByNid(sql, auth)).map((row) => readPdu(row.json));
    return authStateOf(events, room.find('m.room.create', ''), room.rules);
  }

  /** Prunes a row in memory; undefined when the redaction, made in this state of the room, has no right to it. */
  function prune(room: HotRoom, target: StoredEvent, redaction: { event: Pdu; eventNid: number }, state: AuthState): Pdu | undefined {
    if (target.roomNid !== room.nid || target.type === 'm.room.create' || target.redactedBy !== null) return undefined;
    const targetEvent = readPdu(target.json);
    if (!checkRedaction(redaction.event, targetEvent, state, room.rules).allowed) return undefined;
    const pruned = redactEvent(targetEvent, room.rules);
    target.json = JSON.stringify(pruned);
    target.redactedBy = redaction.eventNid;
    return pruned;
  }

  /** The first redaction that has waited for the event and may redact it, carried out. */
  async function takeWaiting(room: HotRoom, row: StoredEvent): Promise<{ pruned: Pdu | undefined; riders: Rider[] }> {
    const waiting = await listWaitingRedactions(sql, [row.eventId]);
    if (waiting.length === 0) return { pruned: undefined, riders: [] };
    let pruned: Pdu | undefined;
    for (const redaction of waiting) {
      const { eventNid, json } = redaction;
      pruned ??= prune(room, row, { event: readPdu(json), eventNid }, await loadPowers(room, redaction));
    }
    const riders: Rider[] = [(tx) => deleteWaitingRedactions(tx, row.eventId)];
    const { eventNid, redactedBy, json: prunedJson } = row;
    if (redactedBy !== null) {
      const carriedOut = room.ring.find((logged) => logged.row.eventNid === redactedBy);
      if (carriedOut !== undefined) carriedOut.row.reason = null;
      riders.push((tx) => forgetReason(tx, redactedBy));
    }
    // Known as an outlier, it has its text already.
    if (pruned !== undefined && redactedBy !== null) riders.push((tx) => markRedacted(tx, { eventNid, redactedBy, prunedJson }));
    return { pruned, riders };
  }

  return {
    checkSender: async (room, { sender, targetId, ownOnly = false }) => {
      const target = await findTarget({ database, log }, room, targetId);
      if (target !== undefined && target.roomNid !== room.nid) throw unknown('The event is in another room.');
      if (target !== undefined && NEVER_REDACTED.has(target.type)) throw forbidden(`Events of type ${target.type} cannot be redacted.`);
      const isOwn = target !== undefined && readPdu(target.json).sender === sender;
      if (ownOnly && !isOwn) throw userSuspended();
      if (isOwn || powerLevelOf(sender, room, room.rules) >= namedPowerLevel('redact', room, room.rules)) return;
      if (target === undefined) throw notFound(`The room has no event ${targetId} that you may redact.`);
      throw forbidden('You may redact only what you wrote yourself.');
    },
    ridersOf: async (room, { event, logged, updates }) => {
      const { row } = logged;
      if (event.type !== 'm.room.redaction') {
        const { pruned, riders } = await takeWaiting(room, row);
        const own = updates.find((update) => update.entry?.eventNid === row.eventNid);
        if (pruned !== undefined && own?.entry !== undefined) own.entry.event = pruned;
        return riders;
      }
      const targetId = redactedIdOf(room, event);
      if (targetId === undefined) return [];
      const target = await findTarget({ database, log }, room, targetId);
      if (target === undefined) {
        row.reason = REDACTS_NOTHING;
        return [(tx) => insertWaitingRedaction(tx, { targetId, eventNid: row.eventNid })];
      }
      const wasRedacted = target.roomNid === room.nid && target.redactedBy !== null;
      const held = findHeld(room, target, readPdu(target.json));
      const powers = logged.isOnMainLine ? room : await loadPowers(room, row);
      const pruned = prune(room, target, { event, eventNid: row.eventNid }, powers);
      if (pruned === undefined) {
        if (!wasRedacted) row.reason = REDACTS_NOTHING;
        return [];
      }
      if (held !== undefined) held.event = pruned;
      const { eventNid, json: prunedJson } = target;
      return [(tx) => markRedacted(tx, { eventNid, redactedBy: row.eventNid, prunedJson })];
    },
    ridersOfHistory: async (room, rows) => {
      const riders: Rider[] = [];
      const news: StoredEvent[] = [];
      for (const row of rows) {
        if (row.type !== 'm.room.redaction') continue;
        const event = readPdu(row.json);
        const targetId = redactedIdOf(room, event);
        if (targetId === undefined) continue;
        const fresh = rows.find((candidate) => candidate.eventId === targetId);
        const target = fresh ?? (await findTarget({ database, log }, room, targetId));
        const wasRedacted = target?.roomNid === room.nid && target.redactedBy !== null;
        if (!wasRedacted) row.reason = REDACTS_NOTHING;
        if (target === undefined) {
          riders.push((tx) => insertWaitingRedaction(tx, { targetId, eventNid: row.eventNid }));
          continue;
        }
        const held = findHeld(room, target, readPdu(target.json));
        const pruned = prune(room, target, { event, eventNid: row.eventNid }, await loadPowers(room, row));
        if (pruned !== undefined) {
          if (held !== undefined) held.event = pruned;
          if (fresh === undefined && isShown(target)) news.push(row);
          row.reason = null;
          const { eventNid, json: prunedJson } = target; // known as an outlier, it has its text already
          riders.push((tx) => markRedacted(tx, { eventNid, redactedBy: row.eventNid, prunedJson }));
          riders.push((tx) => deleteSearchEntries(tx, [eventNid]));
        }
      }
      const waiting = await listWaitingRedactions(
        sql,
        rows.map((row) => row.eventId),
      );
      for (const targetId of new Set(waiting.map((redaction) => redaction.targetId))) {
        const row = rows.find((candidate) => candidate.eventId === targetId);
        if (row !== undefined) riders.push(...(await takeWaiting(room, row)).riders);
      }
      return { riders, news };
    },
  };
}

type Deps = { database: Database; log: Pick<Log, 'drained'> };

/** The event may be on its way into the log still: it came in the same transaction of another server. */
async function findTarget({ database, log }: Deps, room: HotRoom, eventId: string): Promise<StoredEvent | undefined> {
  const findHere = () => room.ring.find((logged) => logged.row.eventId === eventId)?.row;
  const present = findHere() ?? (await findEvent(database.sql, eventId));
  if (present !== undefined) return present;
  await log.drained();
  return findHere() ?? (await findEvent(database.sql, eventId));
}

function isShown({ kind }: StoredEvent): boolean {
  return kind === 'timeline' || kind === 'backfilled';
}

/** The entry of the room's state that the event holds, if it does. */
function findHeld(room: HotRoom, target: StoredEvent, { type, state_key: stateKey }: Pdu): StateEntry | undefined {
  if (stateKey === undefined || (type === MEMBER && room.absentMembers([stateKey]).length > 0)) return undefined;
  const entry = room.findEntry(type, stateKey);
  return entry?.eventNid === target.eventNid ? entry : undefined;
}
