import type { JsonObject } from '../json.ts';
import { objectIn } from '../json.ts';
import { contentOf, isRedacted, relationOf, type StoredEvent, typeOf } from './stored-event.ts';

export type Edit = { content: JsonObject; atMs: number };
export type Reaction = { key: string; sender: string; eventId: string; isEcho: boolean };

/** What relates to the events of a timeline, by the event it relates to. */
export type Relations = {
  edits: ReadonlyMap<string, Edit>;
  reactions: ReadonlyMap<string, readonly Reaction[]>;
  threadReplies: ReadonlyMap<string, number>;
};

export type RelatingEvent = StoredEvent & { isEcho: boolean };

const MAX_REACTION_KEY_LENGTH = 64;

/**
 * Collects edits, reactions and thread answers. The newest edit wins, and only by the sender of the original, of the same type, and not of state.
 * A second reaction of somebody with the same key counts once.
 * https://spec.matrix.org/latest/client-server-api/#event-replacements
 */
export function foldRelations(events: readonly RelatingEvent[]): Relations {
  const senders = new Map(events.map((stored) => [stored.event.event_id, stored]));
  const edits = new Map<string, Edit>();
  const reactions = new Map<string, Reaction[]>();
  const threadReplies = new Map<string, number>();

  for (const stored of events) {
    const relation = isRedacted(stored) ? undefined : relationOf(stored);
    if (relation === undefined) continue;
    if (relation.type === 'm.replace') addEdit(edits, stored, senders.get(relation.eventId));
    if (relation.type === 'm.thread') threadReplies.set(relation.eventId, (threadReplies.get(relation.eventId) ?? 0) + 1);
    if (relation.type === 'm.annotation' && typeOf(stored) === 'm.reaction' && relation.key !== undefined) {
      addReaction(reactions, stored, relation.eventId, relation.key);
    }
  }
  return { edits, reactions, threadReplies };
}

function addEdit(edits: Map<string, Edit>, edit: StoredEvent, original: StoredEvent | undefined): void {
  const content = objectIn(contentOf(edit), 'm.new_content');
  if (original === undefined || content === undefined || original.event.sender !== edit.event.sender) return;
  if (original.event.state_key !== undefined || relationOf(original)?.type === 'm.replace' || isRedacted(original)) return;
  // An edit in the clear of an encrypted message could be the server's own words.
  const isWeaker =
    original.clear !== undefined &&
    edit.clear === undefined &&
    edit.event.type !== 'm.room.encrypted' &&
    !('isEcho' in edit && edit.isEcho === true);
  if (isWeaker || (original.failure === undefined && typeOf(original) !== typeOf(edit))) return;
  const known = edits.get(original.event.event_id);
  if (known !== undefined && known.atMs > edit.event.origin_server_ts) return;
  edits.set(original.event.event_id, { content, atMs: edit.event.origin_server_ts });
}

function addReaction(reactions: Map<string, Reaction[]>, stored: RelatingEvent, targetId: string, key: string): void {
  if (key.length > MAX_REACTION_KEY_LENGTH) return;
  const known = reactions.get(targetId) ?? [];
  if (known.some((reaction) => reaction.key === key && reaction.sender === stored.event.sender)) return;
  known.push({ key, sender: stored.event.sender, eventId: stored.event.event_id, isEcho: stored.isEcho });
  reactions.set(targetId, known);
}
