import { isJsonObject } from 'federation-spec/events/event.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import type { Sql } from '../../storage/database.ts';
import { findEvent } from '../../storage/events.ts';
import { relationOf, relationOfContent } from '../../storage/relation-of.ts';
import { isRelatedToIn } from '../../storage/relations.ts';
import type { HotRoom } from './hot-room.ts';
import type { EventDraft } from './room-event.ts';

/** The longest key of an annotation. */
const MAX_ANNOTATION_KEY_CHARACTERS = 500;

/**
 * Refuses a relation of a local event that leads nowhere: to an event that is not of the room, an annotation without a key, a thread
 * below an event that itself relates to another. Costs a question only when the event related to is not among the room's newest.
 *
 * 1. Annotations say how. 2. The event related to is of this room; one that is not known here but that others relate to is taken on trust.
 * 3. A thread's root relates to nothing.
 * https://spec.matrix.org/latest/client-server-api/#forming-relationships-between-events
 *
 * @throws M_INVALID_PARAM
 */
export async function checkRelation(sql: Sql, room: HotRoom, { type, content, stateKey }: EventDraft): Promise<void> {
  const relation = stateKey === undefined ? relationOfContent({ type, keyNid: null }, content) : undefined;
  if (relation === undefined) return;
  const { relType, targetId } = relation;

  // 1.
  if (relType === 'm.annotation') checkAnnotationKey(content['m.relates_to']);

  // 2.
  const inRing = room.ring.findLast(({ row }) => row.eventId === targetId)?.row;
  const target = inRing ?? (await findEvent(sql, targetId));
  if (target === undefined) {
    if (await isRelatedToIn(sql, room.nid, targetId)) return;
    throw invalidParam(`The event relates to ${targetId}, which is not known here.`);
  }
  if (target.roomNid !== room.nid) throw invalidParam('Events relate to events of their own room only.');

  // 3.
  if (relType === 'm.thread' && relationOf(target) !== undefined) {
    throw invalidParam('No thread can begin with an event that relates to another.');
  }
}

function checkAnnotationKey(relation: unknown): void {
  const key = isJsonObject(relation) ? relation['key'] : undefined;
  if (typeof key !== 'string') throw invalidParam('An annotation needs a key, a text.');
  if (key.length > MAX_ANNOTATION_KEY_CHARACTERS)
    throw invalidParam(`The key of an annotation has at most ${MAX_ANNOTATION_KEY_CHARACTERS} characters.`);
}
