import { isDeepStrictEqual } from 'node:util';
import { duplicateAnnotation, forbidden } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { isUniqueViolation } from '../../storage/database-errors.ts';
import { findSentEvent } from '../../storage/events.ts';
import { relationOfContent } from '../../storage/relation-of.ts';
import { isAnnotated } from '../../storage/relations.ts';
import { type Log, RefusedBasis } from '../streams/log.ts';
import { type HotRoom, MEMBER } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { PrepareEvent, Transaction } from './prepare-event.ts';
import type { Redactions } from './redactions.ts';
import type { EventDraft } from './room-event.ts';

/** How often an event is made anew because what it was built on was refused. */
const MAX_ATTEMPTS = 3;

export type SendRequest = EventDraft & { roomId: string; senderNid: number; transaction?: Transaction | undefined };

/** Sends an event into a room; resolves with its id after the commit. */
export type SendEvent = (request: SendRequest) => Promise<string>;

type Deps = { rooms: HotRooms; log: Log; database: Database; prepareEvent: PrepareEvent; redactions: Redactions };

/**
 * The same device's same transaction gives the same answer and no second event, also while the first is still under way.
 * Throws M_FORBIDDEN for a room this server does not know, and what `prepareEvent` throws.
 */
export function createSendEvent({ rooms, log, database, prepareEvent, redactions }: Deps): SendEvent {
  return async function sendEvent(request) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await send(request);
      } catch (error) {
        if (!(error instanceof RefusedBasis) || attempt >= MAX_ATTEMPTS) throw error;
      }
    }
  };

  async function send({ roomId, senderNid, transaction, ...draft }: SendRequest): Promise<string> {
    const room = await rooms.load(roomId);
    if (room === undefined) throw forbidden(`You are not in the room ${roomId}.`);
    if (transaction === undefined) return await sendOnce(room, draft, senderNid, undefined);

    const key = `${senderNid} ${transaction.deviceId} ${transaction.txnPath}`;
    const earlier = room.transactions.get(key);
    if (earlier !== undefined) return await earlier;

    const sending = sendOnce(room, draft, senderNid, transaction);
    room.rememberTransaction(key, sending);
    try {
      const eventId = await sending;
      room.rememberTransaction(key, eventId);
      return eventId;
    } catch (error) {
      room.transactions.delete(key);
      const existing = isUniqueViolation(error, 'events_transaction')
        ? await findSentEvent(database.sql, { senderNid, roomNid: room.nid, ...transaction })
        : undefined;
      if (existing === undefined) throw error;
      return existing;
    }
  }

  /** Whether the sender has already put the same annotation on the same event. https://spec.matrix.org/latest/client-server-api/#avoiding-duplicate-annotations */
  async function isDoubled(room: HotRoom, { type, content, stateKey }: EventDraft, senderNid: number): Promise<boolean> {
    if (stateKey !== undefined) return false;
    const relation = relationOfContent({ type, keyNid: null }, content);
    if (relation === undefined || relation.annotationKey === null) return false;
    await log.drained();
    const { targetId, annotationKey: key } = relation;
    return await isAnnotated(database.sql, { roomNid: room.nid, targetId, type, senderNid, key });
  }

  /** The event that already says just this, if the same sender said it: saying it again changes nothing. */
  async function findSame(room: HotRoom, { type, stateKey, sender, content }: EventDraft): Promise<string | undefined> {
    if (stateKey === undefined) return undefined;
    if (type === MEMBER) await rooms.ensureMembers(room, [stateKey]);
    const current = room.findEntry(type, stateKey);
    const isSame = current?.event.sender === sender && isDeepStrictEqual(current.event.content, content);
    return isSame ? current.eventId : undefined;
  }

  async function sendOnce(room: HotRoom, draft: EventDraft, senderNid: number, transaction: Transaction | undefined): Promise<string> {
    const { eventId, committed } = await room.turns.take(async () => {
      const redactedId = draft.redacts ?? (draft.type === 'm.room.redaction' ? draft.content['redacts'] : undefined);
      if (typeof redactedId === 'string')
        await redactions.checkSender(room, { sender: draft.sender, targetId: redactedId, ownOnly: draft.redactsOwnOnly });
      if (await isDoubled(room, draft, senderNid)) {
        const sent = transaction && (await findSentEvent(database.sql, { senderNid, roomNid: room.nid, ...transaction }));
        if (sent === undefined) throw duplicateAnnotation();
        return { eventId: sent, committed: Promise.resolve() };
      }
      const same = await findSame(room, draft);
      if (same !== undefined) return { eventId: same, committed: log.drained() };
      const prepared = await prepareEvent(room, draft, { senderNid, transaction });
      // Nothing has waited for what is made here and now.
      const riders = draft.type === 'm.room.redaction' ? await redactions.ridersOf(room, prepared) : [];
      const appended: Promise<unknown> = log.append({ events: [room.stage(prepared)], riders });
      // The commit is awaited outside the turn; a refusal is seen there.
      appended.catch(() => undefined);
      return { eventId: prepared.head.eventId, committed: appended };
    });
    await committed;
    return eventId;
  }
}
