import { LRUCache } from 'lru-cache';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { isConnectionError } from '../../storage/database-errors.ts';
import { findEvent, listTimelineForwards, type StoredEvent } from '../../storage/events.ts';
import { forgetNotification, insertCountedApart, insertDeviations, insertModes, loadNotifySeqBefore } from '../../storage/notifications.ts';
import { queuePushes } from '../../storage/pushers.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { readPdu } from '../rooms/read-pdu.ts';
import { redactedIdOf } from '../rooms/redactions.ts';
import type { Activity } from '../streams/activity.ts';
import type { Log } from '../streams/log.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { Notifier } from '../streams/notifier.ts';
import { createNotes, type NoteEvent, type Notes } from './note-event.ts';
import type { OwnEvents } from './own-events.ts';
import type { UnreadCache } from './unread-cache.ts';

/** Events read and judged in one step. */
const STEP_EVENTS = 500;
/** Committed events kept in memory until they are judged; what does not fit is read from the database. */
const MAX_BUFFERED_EVENTS = 5_000;
/** For how many rooms it is remembered how much they had counted. */
const MAX_REMEMBERED_ROOMS = 20_000;

type Deps = {
  database: Database;
  rooms: HotRooms;
  log: Log;
  notifier: Notifier;
  noteEvent: NoteEvent;
  ownMarks: OwnEvents;
  cache: UnreadCache;
  /** Told of the users for whom something was noted. */
  noted: Activity;
  /** Called when notifications were queued for pushers. */
  queued: () => void;
  logger: Logger;
};

/**
 * Judges the events of the log in their order and writes what they mean to our members. Doing it twice writes the same.
 * What changes a count goes through the log, so that the devices of those it concerns are woken by it.
 */
export function createFollowEvents({ database, rooms, log, notifier, noteEvent, ownMarks, cache, noted, queued, logger }: Deps) {
  const notifySeqs = new LRUCache<number, { position: number; notifySeq: number }>({ max: MAX_REMEMBERED_ROOMS });
  let buffer: StoredEvent[] = [];
  let bufferedAfter = log.position();

  notifier.onCommit(({ events }) => {
    for (const { row } of events) buffer.push(row);
    if (buffer.length <= MAX_BUFFERED_EVENTS) return;
    const dropped = buffer.splice(0, buffer.length - MAX_BUFFERED_EVENTS).at(-1);
    if (dropped !== undefined) bufferedAfter = positionOf(dropped);
  });

  async function readEvents(after: number, upTo: number): Promise<StoredEvent[]> {
    if (after < bufferedAfter) return await listTimelineForwards(database.sql, { after, upTo, limit: STEP_EVENTS });
    buffer = buffer.filter((row) => positionOf(row) > after);
    return buffer.filter((row) => positionOf(row) <= upTo).slice(0, STEP_EVENTS);
  }

  async function loadSeqBefore(row: StoredEvent): Promise<number> {
    const last = notifySeqs.get(row.roomNid);
    if (last !== undefined && last.position < positionOf(row)) return last.notifySeq;
    return await loadNotifySeqBefore(database.sql, row.roomNid, positionOf(row));
  }

  /** A redacted event counts for nobody. It is looked for among what is written, so that is done first. */
  async function forgetRedacted(room: HotRoom, row: StoredEvent): Promise<void> {
    const targetId = redactedIdOf(room, readPdu(row.json));
    const target = targetId === undefined ? undefined : await findEvent(database.sql, targetId);
    if (target === undefined || target.position === null || target.roomNid !== room.nid || target.redactedBy !== row.eventNid) return;
    const isCounted = target.notifySeq > (await loadNotifySeqBefore(database.sql, room.nid, target.position));
    await forgetNotification(database.lazySql, { roomNid: room.nid, position: target.position, isCounted });
    cache.forgetRoom(room.nid);
  }

  /** An event that cannot be judged must not keep the others from it. */
  async function noteSafely(notes: Notes, room: HotRoom, row: StoredEvent): Promise<void> {
    try {
      await noteEvent(notes, room, row, await loadSeqBefore(row));
    } catch (error) {
      if (isConnectionError(error)) throw error;
      logger.error({ err: error, eventId: row.eventId }, 'an event could not be judged by the push rules; it is left out');
    }
  }

  async function write({ ownEvents, apart, modes, deviations, pushes }: Notes): Promise<void> {
    const { lazySql } = database;
    for (const own of ownEvents) {
      await ownMarks.note(own);
      cache.forgetUser(own.userNid, own.roomNid);
    }
    await Promise.all([insertCountedApart(lazySql, apart), insertModes(lazySql, modes), queuePushes(lazySql, pushes)]);
    if (deviations.length > 0) {
      const users = new Set(deviations.map((deviation) => deviation.userNid));
      const row = {
        write: (sql: Parameters<typeof insertDeviations>[0], position: number) => {
          for (const userNid of users) noted.wrote(userNid, position);
          return insertDeviations(sql, deviations, position);
        },
        wakes: { users },
      };
      await log.append({ rows: [row] });
    }
    for (const { userNid, roomNid } of [...deviations, ...modes]) cache.forgetUser(userNid, roomNid);
    for (const { roomNid } of apart) cache.forgetRoom(roomNid);
    if (pushes.length > 0) queued();
  }

  return async function followEvents({ after, upTo }: { after: number; upTo: number }): Promise<void> {
    let from = after;
    for (;;) {
      const events = await readEvents(from, upTo);
      let notes = createNotes();
      for (const row of events) {
        const room = await rooms.loadByNid(row.roomNid);
        if (room === undefined) continue;
        await noteSafely(notes, room, row);
        notifySeqs.set(row.roomNid, { position: positionOf(row), notifySeq: row.notifySeq });
        if (row.type === 'm.room.redaction') {
          await write(notes);
          notes = createNotes();
          await forgetRedacted(room, row);
        }
      }
      await write(notes);
      for (const row of events) cache.advance(row.roomNid, row.notifySeq);
      const last = events.at(-1);
      if (last === undefined || events.length < STEP_EVENTS) return;
      from = positionOf(last);
    }
  };
}
