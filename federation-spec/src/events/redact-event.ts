import type { KeptContent } from '../room-versions/redaction-rules.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import { isJsonObject, type JsonObject, type Pdu, type PduDraft } from './event.ts';

/**
 * The event without anything that redaction removes. Signatures and event ids cover this form. The event given is left as it was.
 *
 * https://spec.matrix.org/latest/rooms/v12/#redactions
 */
export function redactEvent(event: Pdu, rules: RoomVersionRules): Pdu;
export function redactEvent(event: PduDraft, rules: RoomVersionRules): PduDraft;
export function redactEvent(event: PduDraft, rules: RoomVersionRules): PduDraft {
  const { keptKeys } = rules.redaction;
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(event)) if (keptKeys.has(key)) kept[key] = value;
  kept['content'] = redactContent(event.type, event.content, rules);
  return kept as PduDraft; // Every version keeps each key that an event must have.
}

/** What redaction leaves of an event's content: all that it changes in the form clients are shown. */
export function redactContent(type: string, content: JsonObject, rules: RoomVersionRules): JsonObject {
  return pruneContent(content, rules.redaction.keptContent.get(type) ?? {});
}

function pruneContent(content: JsonObject, kept: KeptContent): JsonObject {
  if (kept === 'all') return content;
  const pruned: JsonObject = {};
  for (const [key, keptBelow] of Object.entries(kept)) {
    const value = Object.hasOwn(content, key) ? content[key] : undefined;
    if (value === undefined) continue;
    if (keptBelow === true) pruned[key] = value;
    else if (isJsonObject(value)) pruned[key] = pruneContent(value, keptBelow);
  }
  return pruned;
}
