import { isJsonObject, type JsonObject } from '../events/event.ts';

/** The name of the timeline outside all threads, in receipts and notification counts. */
export const MAIN_TIMELINE = 'main';
/** So many relations are followed before an event counts as outside all threads. */
const MAX_RELATION_HOPS = 3;

/**
 * The thread an event's notifications are counted in: the event id of the thread's root, or `main`. A reaction to a message of a
 * thread belongs to the thread, so relations are followed, three at most.
 *
 * @param findEvent an event by its id; what is not at hand ends the search.
 *
 * https://spec.matrix.org/latest/client-server-api/#receiving-notifications
 */
export function threadOf(event: JsonObject, findEvent: (eventId: string) => JsonObject | undefined): string {
  let current: JsonObject | undefined = event;
  for (let hop = 0; hop < MAX_RELATION_HOPS && current !== undefined; hop += 1) {
    const relation = findRelation(current);
    if (relation === undefined) return MAIN_TIMELINE;
    if (relation.type === 'm.thread') return relation.eventId;
    current = findEvent(relation.eventId);
  }
  return MAIN_TIMELINE;
}

function findRelation(event: JsonObject): { type: string; eventId: string } | undefined {
  const content = event['content'];
  const relation = isJsonObject(content) ? content['m.relates_to'] : undefined;
  if (!isJsonObject(relation)) return undefined;
  const { rel_type: type, event_id: eventId } = relation;
  return typeof type === 'string' && typeof eventId === 'string' ? { type, eventId } : undefined;
}
