import type { JsonObject } from '../json.ts';
import { objectIn, stringIn } from '../json.ts';
import type { RoomEvent } from '../room-event.ts';
import type { EventTrust, UndecryptableReason } from './timeline-item.ts';

/** An event of a timeline as it is kept: as the server gave it, and what decrypting it brought. */
export type StoredEvent = {
  event: RoomEvent;
  /** What it says, when it was encrypted and could be read. */
  clear?: { type: string; content: JsonObject; trust: EventTrust };
  /** Why it could not be read. */
  failure?: UndecryptableReason;
};

export const ENCRYPTED = 'm.room.encrypted';

/** The type that counts: the decrypted one where there is one. */
export function typeOf(stored: StoredEvent): string {
  return stored.clear?.type ?? stored.event.type;
}

/** The content that counts: the decrypted one where there is one. */
export function contentOf(stored: StoredEvent): JsonObject {
  return stored.clear?.content ?? stored.event.content;
}

export function isRedacted({ event }: StoredEvent): boolean {
  return objectIn(event.unsigned, 'redacted_because') !== undefined;
}

export type Relation = { type: string; eventId: string; key: string | undefined };

/** What an event relates to: relations stay outside of the ciphertext. */
export function relationOf(stored: StoredEvent): Relation | undefined {
  const relation = objectIn(stored.event.content, 'm.relates_to') ?? objectIn(contentOf(stored), 'm.relates_to');
  const type = stringIn(relation, 'rel_type');
  const eventId = stringIn(relation, 'event_id');
  if (type === undefined || eventId === undefined) return undefined;
  // An encrypted reaction keeps its key inside.
  return { type, eventId, key: stringIn(objectIn(contentOf(stored), 'm.relates_to'), 'key') };
}

/** The event that this one answers. https://spec.matrix.org/latest/client-server-api/#rich-replies */
export function repliedEventId(stored: StoredEvent): string | undefined {
  const relation = objectIn(contentOf(stored), 'm.relates_to') ?? objectIn(stored.event.content, 'm.relates_to');
  if (relation?.['is_falling_back'] === true) return undefined;
  return stringIn(objectIn(relation, 'm.in_reply_to'), 'event_id');
}
