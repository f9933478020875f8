import { checkRedaction } from 'federation-spec/auth-rules/check-redaction.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import { redactEvent } from 'federation-spec/events/redact-event.ts';
import type { Database } from '../../storage/database.ts';
import { findEvent, markRedacted, type StoredEvent } from '../../storage/events.ts';
import type { Rider } from '../streams/log-batch.ts';
import type { HotRoom, PreparedEvent } from './hot-room.ts';
import { readPdu } from './read-pdu.ts';

export type Redactions = {
  /** What must commit with a redaction: the pruning of its target. Nothing for other events, or when the target is not here or may not be redacted by this sender. */
  ridersOf: (room: HotRoom, prepared: Pick<PreparedEvent, 'event' | 'logged'>) => Promise<Rider[]>;
};

/** The id of the event that a redaction names, wherever its room version has it. */
export function redactedIdOf(room: HotRoom, event: Pdu): string | undefined {
  const id = room.rules.redactsInContent ? event.content['redacts'] : event.redacts;
  return typeof id === 'string' ? id : undefined;
}

/** https://spec.matrix.org/latest/rooms/v3/#handling-redactions */
export function createRedactions({ database }: { database: Database }): Redactions {
  return {
    ridersOf: async (room, { event, logged }) => {
      const targetId = event.type === 'm.room.redaction' ? redactedIdOf(room, event) : undefined;
      if (targetId === undefined) return [];
      const target = await findTarget(database, room, targetId);
      if (target === undefined || target.roomNid !== room.nid || target.type === 'm.room.create') return [];
      const targetEvent = readPdu(target.json);
      if (!checkRedaction(event, targetEvent, room, room.rules).allowed) return [];

      const prunedJson = JSON.stringify(redactEvent(targetEvent, room.rules));
      target.json = prunedJson;
      target.redactedBy = logged.row.eventNid;
      return [(sql) => markRedacted(sql, { eventNid: target.eventNid, redactedBy: logged.row.eventNid, prunedJson })];
    },
  };
}

async function findTarget(database: Database, room: HotRoom, eventId: string): Promise<StoredEvent | undefined> {
  const inRing = room.ring.find((logged) => logged.row.eventId === eventId);
  return inRing?.row ?? (await findEvent(database.sql, eventId));
}
