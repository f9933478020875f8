import type { EventReference, JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { defaultPushRules } from 'federation-spec/push-rules/default-push-rules.ts';
import { evaluatePushRules, readPushActions } from 'federation-spec/push-rules/evaluate-push-rules.ts';
import type { StoredEvent } from '../../storage/events.ts';

/** What a local user wants to put into a room. `stateKey` is given for state events only. */
export type EventDraft = {
  type: string;
  stateKey?: string;
  sender: string;
  content: JsonObject;
  /** The event to redact; its place in the wire event depends on the room version. */
  redacts?: string;
  /** The sender may take back only what they said themselves, whatever power they have. */
  redactsOwnOnly?: boolean;
  /** It says something of a member that is only true while they are one: it is not sent when they have left meanwhile. */
  whileJoined?: boolean;
  /** For application services that bring old messages in; the clock's time otherwise. */
  originServerTs?: number;
  /** For how many milliseconds everybody in the room is brought it. https://github.com/matrix-org/matrix-spec-proposals/pull/4354 */
  stickyMs?: number | undefined;
};

/** An event that the room's state or graph refers to, with what is needed to build upon it. */
export type StateEntry = { keyNid: number; eventNid: number; eventId: string; event: Pdu };

/** A forward extremity. */
export type Head = {
  eventNid: number;
  eventId: string;
  topological: number;
  depth: number;
  /** How the next event names it. */
  reference: EventReference;
};

/** The type of events that merge a room's heads and say nothing. Servers know it by this name; clients are not shown it. */
export const DUMMY_EVENT = 'org.matrix.dummy_event';

/** Why a redaction is kept from clients, in its row: what it names is not here, or is none of its business. */
export const REDACTS_NOTHING = 'It redacts nothing.';

/**
 * Whether an event is one that clients are told of at all. A redaction is only once it is carried out: a client hides what it names, and
 * does not ask by what right. https://spec.matrix.org/latest/rooms/v3/#handling-redactions
 */
export function isForClients({ type, reason }: Pick<StoredEvent, 'type'> & Partial<Pick<StoredEvent, 'reason'>>): boolean {
  return type !== DUMMY_EVENT && !(type === 'm.room.redaction' && reason === REDACTS_NOTHING);
}

/** The types of event that notify by the default push rules, whatever they say. */
export const NOTIFYING_TYPES: ReadonlySet<string> = new Set([
  'm.room.message',
  'm.room.encrypted',
  'm.call.invite',
  'm.poll.start',
  'm.poll.end',
  'org.matrix.msc3381.poll.start',
  'org.matrix.msc3381.poll.end',
]);

/** Somebody whom no event names, in a room of more than two. */
const ANYBODY = { userId: '@:', memberCount: 3, hasNotificationPermission: () => false };
const DEFAULT_RULES = defaultPushRules(ANYBODY.userId);

/**
 * Whether an event counts as unread by the default push rules, for somebody whom it does not name: a message one would want to see, and no
 * notice nor edit. What differs for a person is noted for them.
 */
export function notifiesByDefault(event: Pdu): boolean {
  const decision = evaluatePushRules(DEFAULT_RULES, event, ANYBODY);
  return decision !== undefined && readPushActions(decision.actions).notify;
}
