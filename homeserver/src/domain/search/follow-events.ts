import type { Pdu } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import { findEvent, listEventsByNid, listTimelineForwards, type StoredEvent } from '../../storage/events.ts';
import { relationOf } from '../../storage/relation-of.ts';
import { listLatestEdits } from '../../storage/relations.ts';
import {
  deleteSearchEntries,
  deleteSearchEntriesOfRoom,
  deleteSearchHistory,
  findEditedEvent,
  listSearchHistory,
  type SearchEntry,
  searchPosition,
  upsertSearchEntries,
} from '../../storage/search.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import { redactedIdOf } from '../rooms/redactions.ts';
import type { Log } from '../streams/log.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { Notifier } from '../streams/notifier.ts';
import { SEARCHED_TYPES, searchableText } from './searchable-text.ts';

/** Events read and written in one step. */
const STEP_EVENTS = 500;
/** Committed events kept in memory until they are written; what does not fit is read from the database. */
const MAX_BUFFERED_EVENTS = 5_000;

/** Steps of history that are written in one go. */
const MAX_HISTORY_STEPS = 100;

const REDACTION = 'm.room.redaction';
const ENCRYPTION = 'm.room.encryption';

type Deps = { database: Database; rooms: HotRooms; log: Log; notifier: Notifier };

/**
 * Writes what can be found of the log's events. Doing it twice writes the same. An edit changes what is found of its target; what was redacted
 * is found no more; of a room that is encrypted nothing is.
 */
export function createFollowEvents({ database, rooms, log, notifier }: Deps) {
  const { sql, lazySql } = database;
  let buffer: StoredEvent[] = [];
  let bufferedAfter = log.position();

  /** More may have come before the last stop. */
  let isHistoryWaiting = true;

  notifier.onCommit(({ events, wakes }) => {
    isHistoryWaiting ||= wakes.some(({ history }) => history !== undefined);
    for (const { row } of events) if (concernsSearch(row)) buffer.push(row);
    if (buffer.length <= MAX_BUFFERED_EVENTS) return;
    const dropped = buffer.splice(0, buffer.length - MAX_BUFFERED_EVENTS).at(-1);
    if (dropped !== undefined) bufferedAfter = positionOf(dropped);
  });

  /** A step of events, and up to where it goes. */
  async function readStep(after: number, upTo: number): Promise<{ events: StoredEvent[]; end: number }> {
    if (after >= bufferedAfter) {
      buffer = buffer.filter((row) => positionOf(row) > after);
      const events = buffer.filter((row) => positionOf(row) <= upTo).slice(0, STEP_EVENTS);
      return { events, end: endOf(events, upTo) };
    }
    const events = await listTimelineForwards(sql, { after, upTo, limit: STEP_EVENTS });
    return { events: events.filter(concernsSearch), end: endOf(events, upTo) };
  }

  async function isEncrypted(roomNid: number): Promise<boolean> {
    const room = await rooms.loadByNid(roomNid);
    return room === undefined || room.find(ENCRYPTION, '') !== undefined;
  }

  /** What is found of an event now that its edits have changed. */
  async function indexAnew(eventNid: number): Promise<void> {
    const [target] = await listEventsByNid(sql, [eventNid]);
    if (target === undefined || !isShown(target) || !SEARCHED_TYPES.has(target.type)) return;
    const edit = (await listLatestEdits(sql, [target.eventId])).get(target.eventId);
    const entry = target.redactedBy === null ? toEntry(target, edit === undefined ? undefined : readPdu(edit.json)) : undefined;
    if (entry === undefined) await deleteSearchEntries(lazySql, [eventNid]);
    else await upsertSearchEntries(lazySql, [entry]);
  }

  async function indexEdited(editNid: number): Promise<void> {
    const edited = await findEditedEvent(sql, editNid);
    if (edited !== undefined) await indexAnew(edited.eventNid);
  }

  async function forgetRedacted(row: StoredEvent): Promise<void> {
    const room = await rooms.loadByNid(row.roomNid);
    const targetId = room === undefined ? undefined : redactedIdOf(room, readPdu(row.json));
    const target = targetId === undefined ? undefined : await findEvent(sql, targetId);
    if (target === undefined || target.roomNid !== row.roomNid || target.redactedBy === null) return;
    await deleteSearchEntries(lazySql, [target.eventNid]);
    await indexEdited(target.eventNid);
  }

  async function indexStep(events: readonly StoredEvent[]): Promise<void> {
    const encrypted = new Map<number, boolean>();
    const entries: SearchEntry[] = [];
    const later: (() => Promise<void>)[] = [];
    for (const row of events) {
      if (row.type === ENCRYPTION) later.push(() => deleteSearchEntriesOfRoom(lazySql, row.roomNid));
      else if (row.type === REDACTION) later.push(() => forgetRedacted(row));
      else {
        const isHidden = encrypted.get(row.roomNid) ?? (await isEncrypted(row.roomNid));
        encrypted.set(row.roomNid, isHidden);
        if (isHidden || row.redactedBy !== null) continue;
        if (relationOf(row)?.relType !== 'm.replace') entries.push(...[toEntry(row)].filter((entry) => entry !== undefined));
        else later.push(() => indexEdited(row.eventNid));
      }
    }
    await upsertSearchEntries(lazySql, entries);
    for (const work of later) await work();
  }

  /** What came by backfill is not in the log; which of it is still to be written is noted. */
  async function indexHistory(): Promise<void> {
    isHistoryWaiting = false;
    for (let step = 0; step < MAX_HISTORY_STEPS; step += 1) {
      const nids = await listSearchHistory(sql, STEP_EVENTS);
      if (nids.length === 0) return;
      const events = (await listEventsByNid(sql, nids)).filter((event) => isShown(event) && event.redactedBy === null);
      const edits = await listLatestEdits(
        sql,
        events.map((event) => event.eventId),
      );
      const entries: SearchEntry[] = [];
      for (const event of events) {
        if (await isEncrypted(event.roomNid)) continue;
        if (relationOf(event)?.relType === 'm.replace') {
          await indexEdited(event.eventNid);
          continue;
        }
        const edit = edits.get(event.eventId);
        entries.push(...[toEntry(event, edit === undefined ? undefined : readPdu(edit.json))].filter((entry) => entry !== undefined));
      }
      await upsertSearchEntries(lazySql, entries);
      await deleteSearchHistory(lazySql, nids);
    }
    isHistoryWaiting = true;
  }

  return async function followEvents({ after, upTo }: { after: number; upTo: number }): Promise<void> {
    let from = after;
    while (from < upTo) {
      const { events, end } = await readStep(from, upTo);
      await indexStep(events);
      from = end;
    }
    if (isHistoryWaiting) await indexHistory();
  };
}

function isShown({ kind }: StoredEvent): boolean {
  return kind === 'timeline' || kind === 'backfilled';
}

function concernsSearch({ type }: StoredEvent): boolean {
  return SEARCHED_TYPES.has(type) || type === REDACTION || type === ENCRYPTION;
}

function endOf(events: readonly StoredEvent[], upTo: number): number {
  const last = events.at(-1);
  return last === undefined || events.length < STEP_EVENTS ? upTo : positionOf(last);
}

function toEntry(row: StoredEvent, edit?: Pdu): SearchEntry | undefined {
  const found = searchableText(readPdu(row.json), edit);
  const { eventNid, roomNid, senderNid } = row;
  return found === undefined ? undefined : { eventNid, roomNid, senderNid, position: searchPosition(row), ...found };
}
