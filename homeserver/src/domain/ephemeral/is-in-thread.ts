import { MAIN_TIMELINE } from 'federation-spec/push-rules/thread-of.ts';
import type { Sql } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { relationOf } from '../../storage/relation-of.ts';
import { findThread } from '../rooms/find-room-event.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import { readPdu } from '../rooms/read-pdu.ts';

/**
 * Whether an event may be marked as read in a thread (or `main`): the root of a thread, and what relates to it, in the thread as well as in
 * the main timeline. https://spec.matrix.org/latest/client-server-api/#threaded-read-receipts
 */
export async function isInThread(sql: Sql, room: HotRoom, event: StoredEvent, threadId: string): Promise<boolean> {
  if (threadId !== MAIN_TIMELINE && !threadId.startsWith('$')) return false;
  if (threadId === event.eventId || relationOf(event)?.targetId === threadId) return true;
  return (await findThread(sql, room, readPdu(event.json))) === threadId;
}
