import { isJsonObject, type JsonObject, type Pdu } from 'federation-spec/events/event.ts';
import { MAIN_TIMELINE, threadOf } from 'federation-spec/push-rules/thread-of.ts';
import type { Sql } from '../../storage/database.ts';
import { findEvent, type StoredEvent } from '../../storage/events.ts';
import { isName } from '../../storage/relation-of.ts';
import type { HotRoom } from './hot-room.ts';
import { readPdu } from './read-pdu.ts';

/** How far relations are followed to find an event's thread. https://spec.matrix.org/latest/client-server-api/#receiving-notifications */
const MAX_RELATION_HOPS = 3;

/** An event of the room that people can see, from its ring or the database. */
export async function findRoomEvent(sql: Sql, room: HotRoom, eventId: string): Promise<StoredEvent | undefined> {
  const inRing = room.ring.findLast((logged) => logged.row.eventId === eventId);
  if (inRing !== undefined) return inRing.row;
  const stored = await findEvent(sql, eventId);
  const isShown = stored?.roomNid === room.nid && (stored.kind === 'timeline' || stored.kind === 'backfilled');
  return isShown ? stored : undefined;
}

/** The thread an event belongs to: the event id of its root, or `main`. */
export async function findThread(sql: Sql, room: HotRoom, event: Pdu): Promise<string> {
  const known = new Map<string, JsonObject>();
  let relatesTo = relatedIdOf(event);
  for (let hop = 0; hop < MAX_RELATION_HOPS && relatesTo !== undefined && !isInThread(event); hop += 1) {
    const related = await findRoomEvent(sql, room, relatesTo);
    if (related === undefined) break;
    const pdu = readPdu(related.json);
    known.set(relatesTo, pdu);
    relatesTo = isInThread(pdu) ? undefined : relatedIdOf(pdu);
  }
  const thread = threadOf(event, (eventId) => known.get(eventId));
  return isName(thread) ? thread : MAIN_TIMELINE;
}

function relationOf(event: Pdu): JsonObject | undefined {
  const relation = event.content['m.relates_to'];
  return isJsonObject(relation) ? relation : undefined;
}

function isInThread(event: Pdu): boolean {
  return relationOf(event)?.['rel_type'] === 'm.thread';
}

function relatedIdOf(event: Pdu): string | undefined {
  const relation = relationOf(event);
  const id = relation?.['event_id'];
  return relation?.['rel_type'] !== undefined && typeof id === 'string' ? id : undefined;
}
