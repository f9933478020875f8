import { isJsonObject } from 'federation-spec/events/event.ts';

/** How an event relates to another. https://spec.matrix.org/latest/client-server-api/#forming-relationships-between-events */
export type Relation = { targetId: string; relType: string; annotationKey: string | null; canReplace: boolean };

/** Longer values than these name nothing that exists, and fit no index. */
const MAX_BYTES = 255;
/** The one character that the database refuses. */
const NUL = '\u0000';

/** The relation in an event's text, if it has one. Most have none, and are not parsed. */
export function relationOf(event: { type: string; keyNid: number | null; json: string }): Relation | undefined {
  if (!event.json.includes('m.relates_to')) return undefined;
  const pdu: unknown = JSON.parse(event.json);
  const content = isJsonObject(pdu) ? pdu['content'] : undefined;
  return isJsonObject(content) ? relationOfContent(event, content) : undefined;
}

/** The same, of an event that has no text yet. */
export function relationOfContent(event: { type: string; keyNid: number | null }, content: Record<string, unknown>): Relation | undefined {
  const relation = content['m.relates_to'];
  if (typeof relation !== 'object' || relation === null) return undefined;
  const { rel_type: relType, event_id: targetId, key } = Object.fromEntries(Object.entries(relation));
  if (!isName(relType) || !isName(targetId)) return undefined;
  return {
    targetId,
    relType,
    annotationKey: relType === 'm.annotation' && typeof key === 'string' && !key.includes(NUL) ? key : null,
    canReplace:
      relType === 'm.replace' && event.keyNid === null && (event.type === 'm.room.encrypted' || isJsonObject(content['m.new_content'])),
  };
}

/** Whether something may be the name of an event, a user or a kind of relation: what others say in what they send need not be. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes(NUL) && Buffer.byteLength(value) <= MAX_BYTES;
}
