import { isDeepStrictEqual } from 'node:util';
import { duplicateAnnotation, forbidden, limitExceeded } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { isUniqueViolation } from '../../storage/database-errors.ts';
import { findSentEvent } from '../../storage/events.ts';
import { relationOfContent } from '../../storage/relation-of.ts';
import { isAnnotated } from '../../storage/relations.ts';
import { type Log, RefusedBasis } from '../streams/log.ts';
import { checkContent } from './check-content.ts';
import { checkRelation } from './check-relation.ts';
import { type HotRoom, MEMBER, type PreparedEvent } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import { makeSigned } from './make-signed.ts';
import type { Policy } from './policy/policy-server.ts';
import type { PrepareEvent, Transaction } from './prepare-event.ts';
import type { Redactions } from './redactions.ts';
import type { EventDraft } from './room-event.ts';
import type { StickyEvents } from './sticky/sticky-events.ts';

/** How often an event is made anew because what it was built on was refused. */
const MAX_ATTEMPTS = 3;
const FOR_OUTSIDERS: readonly string[] = [MEMBER, 'm.room.aliases'];
/** How many events of one room may wait for its policy server; more are to come again later. */
const MAX_WAITING_FOR_POLICY = 200;
const BUSY_RETRY_MS = 2_000;

export type SendRequest = EventDraft & { roomId: string; senderNid: number; transaction?: Transaction | undefined };

/** Sends an event into a room; resolves with its id after the commit. */
export type SendEvent = (request: SendRequest) => Promise<string>;

type Deps = {
  rooms: HotRooms;
  log: Log;
  database: Database;
  prepareEvent: PrepareEvent;
  redactions: Redactions;
  policy: Policy;
  stickyRiders: StickyEvents['ridersOf'];
};

/** The id of what was sent, once it is on disk. */
type Sent = { eventId: string; committed: Promise<unknown> };
type Steps = { make: () => Promise<PreparedEvent | { answer: Sent }>; put: (prepared: PreparedEvent) => Promise<Sent> };

/**
 * The same device's same transaction gives the same answer and no second event, also while the first is still under way.
 * Throws M_FORBIDDEN for a room this server does not know, what `checkContent`, `checkRelation` and `prepareEvent` throw, and
 * what the room's policy server, where it has one, refuses with: nobody else gets to see the event then.
 */
export function createSendEvent({ rooms, log, database, prepareEvent, redactions, policy, stickyRiders }: Deps): SendEvent {
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

  /**
   * Who is not in the room is told so, whatever they meant to send, and learns nothing of the events it names. Only memberships are for
   * outsiders too, and aliases in the oldest rooms: on these the auth rules decide.
   */
  async function checkDraft(room: HotRoom, draft: EventDraft): Promise<void> {
    if (room.absentMembers([draft.sender]).length > 0) await rooms.ensureMembers(room, [draft.sender]);
    if (!isInside(room, draft.sender)) {
      if (FOR_OUTSIDERS.includes(draft.type)) return;
      throw forbidden(`You are not in the room ${room.roomId}.`);
    }
    checkContent(draft);
    await checkRelation(database.sql, room, draft);
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
  async function findSame(room: HotRoom, { type, stateKey, sender, content, stickyMs }: EventDraft): Promise<string | undefined> {
    if (stateKey === undefined || stickyMs !== undefined) return undefined;
    if (type === MEMBER) await rooms.ensureMembers(room, [stateKey]);
    const current = room.findEntry(type, stateKey);
    const isSame = current?.event.sender === sender && isDeepStrictEqual(current.event.content, content);
    return isSame ? current.eventId : undefined;
  }

  async function sendOnce(room: HotRoom, draft: EventDraft, senderNid: number, transaction: Transaction | undefined): Promise<string> {
    await checkDraft(room, draft);

    /** In the room's turn: the event, or the one that stands for it already. */
    async function make(): Promise<PreparedEvent | { answer: Sent }> {
      if (draft.whileJoined === true && !isInside(room, draft.sender)) throw forbidden(`${draft.sender} has left the room ${room.roomId}.`);
      const redactedId = draft.redacts ?? (draft.type === 'm.room.redaction' ? draft.content['redacts'] : undefined);
      if (typeof redactedId === 'string')
        await redactions.checkSender(room, { sender: draft.sender, targetId: redactedId, ownOnly: draft.redactsOwnOnly });
      if (await isDoubled(room, draft, senderNid)) {
        const sent = transaction && (await findSentEvent(database.sql, { senderNid, roomNid: room.nid, ...transaction }));
        if (sent === undefined) throw duplicateAnnotation();
        return { answer: { eventId: sent, committed: Promise.resolve() } };
      }
      const same = await findSame(room, draft);
      if (same !== undefined) return { answer: { eventId: same, committed: log.drained() } };
      return await prepareEvent(room, draft, { senderNid, transaction });
    }

    async function put(prepared: PreparedEvent): Promise<Sent> {
      // Nothing has waited for what is made here and now.
      const redacting = draft.type === 'm.room.redaction' ? await redactions.ridersOf(room, prepared) : [];
      const sticky = draft.stickyMs === undefined ? [] : stickyRiders(prepared.event, prepared.head.eventNid);
      const riders = [...redacting, ...sticky];
      const appended: Promise<unknown> = log.append({ events: [room.stage(prepared)], riders });
      // The commit is awaited outside the turn; a refusal is seen there.
      appended.catch(() => undefined);
      return { eventId: prepared.head.eventId, committed: appended };
    }

    const steps = { make, put };
    const { eventId, committed } = (await sendPlain(room, draft, steps)) ?? (await sendRecommended(room, steps));
    await committed;
    return eventId;
  }

  /** Nothing is sent when the room has a policy server, which must sign the event first. */
  async function sendPlain(room: HotRoom, draft: EventDraft, { make, put }: Steps): Promise<Sent | undefined> {
    return await room.turns.take(async () => {
      if (policy.appliesTo(room, draft)) return undefined;
      const made = await make();
      return 'answer' in made ? made.answer : await put(made);
    });
  }

  /** What people here say is put before the policy server one after the other, so that they do not take each other's place in the room. */
  async function sendRecommended(room: HotRoom, { make, put }: Steps): Promise<Sent> {
    if (room.policyTurns.waiting() >= MAX_WAITING_FOR_POLICY) throw limitExceeded(BUSY_RETRY_MS);
    return await room.policyTurns.take(() => makeSigned(room, { make, put, sign: ({ event }) => policy.sign(room, event) }));
  }
}

function isInside(room: HotRoom, userId: string): boolean {
  return room.find(MEMBER, userId)?.content['membership'] === 'join';
}
