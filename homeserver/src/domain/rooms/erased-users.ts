import { redactContent } from 'federation-spec/events/redact-event.ts';
import { roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { listErasedUsers } from '../../storage/accounts.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { readPdu } from './read-pdu.ts';

/** What is left of an event is what a redaction would leave, by the newest rules there were when erasure was made. */
const RULES = roomVersionRules('11');

/** People who deactivated their account and asked to be erased. */
export type ErasedUsers = {
  add: (userNid: number) => void;
  has: (userNid: number) => boolean;
  /** The event as somebody sees it who was not in the room when it was sent. */
  hide: (event: StoredEvent) => StoredEvent;
};

/** https://spec.matrix.org/latest/client-server-api/#post_matrixclientv3accountdeactivate */
export async function createErasedUsers({ database }: { database: Database }): Promise<ErasedUsers> {
  const erased = new Set(await listErasedUsers(database.sql));
  return {
    add: (userNid) => void erased.add(userNid),
    has: (userNid) => erased.has(userNid),
    hide: (event) => {
      if (!erased.has(event.senderNid) || RULES === undefined) return event;
      const pdu = readPdu(event.json);
      return { ...event, json: JSON.stringify({ ...pdu, content: redactContent(pdu.type, pdu.content, RULES) }) };
    },
  };
}
