import { checkRedaction } from 'federation-spec/auth-rules/check-redaction.ts';
import { namedPowerLevel, powerLevelOf } from 'federation-spec/auth-rules/power-levels.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import { redactEvent } from 'federation-spec/events/redact-event.ts';
import { forbidden, notFound } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { findEvent, markRedacted, type StoredEvent } from '../../storage/events.ts';
import type { Log } from '../streams/log.ts';
import type { Rider } from '../streams/log-batch.ts';
import { type HotRoom, MEMBER, type PreparedEvent } from './hot-room.ts';
import { readPdu } from './read-pdu.ts';
import type { StateEntry } from './room-event.ts';

export type Redactions = {
  /** Throws M_FORBIDDEN unless the local sender has the power to redact, or wrote the event. */
  checkSender: (room: HotRoom, redaction: { sender: string; targetId: string }) => Promise<void>;
  /** What must commit with a redaction: the pruning of its target. Nothing for other events, or when the target is not here or may not be redacted by this sender. */
  ridersOf: (room: HotRoom, prepared: Pick<PreparedEvent, 'event' | 'logged'>) => Promise<Rider[]>;
};

/** The id of the event that a redaction names, wherever its room version has it. */
export function redactedIdOf(room: HotRoom, event: Pdu): string | undefined {
  const id = room.rules.redactsInContent ? event.content['redacts'] : event.redacts;
  return typeof id === 'string' ? id : undefined;
}

/** https://spec.matrix.org/latest/rooms/v3/#handling-redactions */
export function createRedactions({ database, log }: Deps): Redactions {
  return {
    checkSender: async (room, { sender, targetId }) => {
      if (powerLevelOf(sender, room, room.rules) >= namedPowerLevel('redact', room, room.rules)) return;
      const target = await findTarget({ database, log }, room, targetId);
      if (target === undefined || target.roomNid !== room.nid) throw notFound(`The room has no event ${targetId} that you may redact.`);
      if (readPdu(target.json).sender !== sender) throw forbidden('You may redact only what you wrote yourself.');
    },
    ridersOf: async (room, { event, logged }) => {
      const targetId = event.type === 'm.room.redaction' ? redactedIdOf(room, event) : undefined;
      if (targetId === undefined) return [];
      const target = await findTarget({ database, log }, room, targetId);
      if (target === undefined || target.roomNid !== room.nid || target.type === 'm.room.create') return [];
      const targetEvent = readPdu(target.json);
      if (!checkRedaction(event, targetEvent, room, room.rules).allowed) return [];

      const pruned = redactEvent(targetEvent, room.rules);
      const prunedJson = JSON.stringify(pruned);
      const held = findHeld(room, target, targetEvent);
      if (held !== undefined) held.event = pruned;
      target.json = prunedJson;
      target.redactedBy = logged.row.eventNid;
      return [(sql) => markRedacted(sql, { eventNid: target.eventNid, redactedBy: logged.row.eventNid, prunedJson })];
    },
  };
}

type Deps = { database: Database; log: Pick<Log, 'drained'> };

/** The event may be on its way into the log still: it came in the same transaction of another server. */
async function findTarget({ database, log }: Deps, room: HotRoom, eventId: string): Promise<StoredEvent | undefined> {
  const findHere = () => room.ring.find((logged) => logged.row.eventId === eventId)?.row;
  const present = findHere() ?? (await findEvent(database.sql, eventId));
  if (present !== undefined) return present;
  await log.drained();
  return findHere() ?? (await findEvent(database.sql, eventId));
}

/** The entry of the room's state that the event holds, if it does. */
function findHeld(room: HotRoom, target: StoredEvent, { type, state_key: stateKey }: Pdu): StateEntry | undefined {
  if (stateKey === undefined || (type === MEMBER && room.absentMembers([stateKey]).length > 0)) return undefined;
  const entry = room.findEntry(type, stateKey);
  return entry?.eventNid === target.eventNid ? entry : undefined;
}
