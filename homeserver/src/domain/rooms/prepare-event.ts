import { checkAuthRules } from 'federation-spec/auth-rules/check-auth-rules.ts';
import { selectAuthEvents } from 'federation-spec/auth-rules/select-auth-events.ts';
import { checkEventFormat } from 'federation-spec/events/check-event-format.ts';
import type { EventReference, JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { eventIdOf } from 'federation-spec/events/event-id.ts';
import { signEvent } from 'federation-spec/signing/sign-event.ts';
import type { Clock } from '../../platform/clock.ts';
import { badJson, forbidden, tooLarge } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import type { LoggedEvent } from '../streams/log-batch.ts';
import { usersAtCommit } from '../streams/users-at-commit.ts';
import { type HotRoom, MEMBER, type PreparedEvent, type StateUpdate, toLoggedChanges, toMembershipChanges } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { Interner } from './interner.ts';
import { pickHeads } from './pick-heads.ts';
import { referenceTo } from './reference-event.ts';
import { type EventDraft, type Head, notifiesByDefault, type StateEntry } from './room-event.ts';

/** Who sends a template has no number here. */
const NOBODY = 0;
/** For room versions whose servers choose the ids of their events. */
const EVENT_ID_BITS = 108;
/** The largest integer canonical JSON knows; depth stays there once it is reached. */
const MAX_DEPTH = Number.MAX_SAFE_INTEGER;

/** The server's key for signing events. `seed` is the 32-byte ed25519 seed. */
export type EventSigner = { serverName: string; keyId: string; seed: Uint8Array };

/** The request that made an event, so that its repetition makes no second one. */
export type Transaction = { deviceId: string; txnPath: string };

export type PrepareEvent = (
  room: HotRoom,
  draft: EventDraft,
  /** By whom and how it is sent; `template` for an event that another server will make its own, of which nothing is to be kept here. */
  sent: Sent | 'template',
) => Promise<PreparedEvent>;

type Sent = {
  senderNid: number;
  transaction?: Transaction | undefined;
  /** The heads to build upon, where it is not for this to choose. */
  prevs?: readonly Head[] | undefined;
};

type Deps = { rooms: Pick<HotRooms, 'ensureMembers'>; interner: Interner; clock: Clock; random: Random; signer: EventSigner };

/**
 * Builds a local event upon the room's heads, signs it and checks it. Call it inside the room's turn; it changes nothing.
 * Throws M_FORBIDDEN with the rule that refused it, M_TOO_LARGE, M_BAD_JSON.
 *
 * 1. Choose prev_events and auth_events. 2. Hash and sign. 3. Check the format. 4. Check the auth rules against the current state.
 * https://spec.matrix.org/latest/server-server-api/#pdus
 */
export function createPrepareEvent({ rooms, interner, clock, random, signer }: Deps): PrepareEvent {
  async function toUpdates(event: Pdu, eventId: string, eventNid: number): Promise<StateUpdate[]> {
    if (event.state_key === undefined) return [];
    const keyNid = await interner.keyNid(event.type, event.state_key);
    const update: StateUpdate = { type: event.type, stateKey: event.state_key, keyNid, entry: { keyNid, eventNid, eventId, event } };
    if (event.type !== MEMBER) return [update];
    const userNid = await interner.userNid(event.state_key);
    return [{ ...update, member: { userNid, isLocal: event.state_key.endsWith(`:${signer.serverName}`) } }];
  }

  /** The state events that allow this one, as far as there are any; whose membership matters is known to the room afterwards. */
  async function findAuthEntries(room: HotRoom, { type, sender, content, stateKey }: EventDraft): Promise<StateEntry[]> {
    const pairs = selectAuthEvents({ type, sender, content, ...(stateKey === undefined ? {} : { stateKey }) }, room.rules);
    const memberIds = pairs.filter((pair) => pair.type === MEMBER).map((pair) => pair.stateKey);
    if (type === MEMBER && stateKey !== undefined) memberIds.push(stateKey);
    if (room.absentMembers(memberIds).length > 0) await rooms.ensureMembers(room, memberIds);
    return pairs.flatMap((pair) => room.findEntry(pair.type, pair.stateKey) ?? []);
  }

  return async function prepareEvent(room, draft, sent) {
    const isTemplate = sent === 'template';
    const { senderNid, transaction, prevs = pickHeads(room.heads) }: Sent = isTemplate ? { senderNid: NOBODY } : sent;

    // 1. The graph: the heads, and the state events that allow this one.
    const authEntries = await findAuthEntries(room, draft);

    // 2. The event itself.
    const depth = Math.min(MAX_DEPTH, 1 + Math.max(0, ...prevs.map((head) => head.depth)));
    const unsigned = assemble(room, draft, {
      depth,
      prevEvents: prevs.map((head) => head.reference),
      authEvents: authEntries.map((entry) => referenceTo(entry.event, entry.eventId, room.rules)),
      eventId: room.rules.eventIdFormat === 'chosen-by-server' ? `$${random.text(EVENT_ID_BITS)}:${signer.serverName}` : undefined,
      originServerTs: draft.originServerTs ?? clock.now(),
    });
    const event = await signEvent(unsigned, room.rules, signer);
    const eventId = eventIdOf(event, room.rules);

    // 3. Its format.
    const format = checkEventFormat(event, room.rules);
    if (!format.allowed) throw /too (large|long|big)|bytes/.test(format.reason) ? tooLarge(format.reason) : badJson(format.reason);

    // 4. Its right to be there.
    const verdict = checkAuthRules(event, room, room.rules);
    if (!verdict.allowed) throw forbidden(verdict.reason);

    const eventNid = interner.nextEventNid();
    const updates = isTemplate ? [] : await toUpdates(event, eventId, eventNid);
    const topological = 1 + Math.max(0, ...prevs.map((prev) => prev.topological));
    const head: Head = { eventNid, eventId, depth, topological, reference: referenceTo(event, eventId, room.rules) };
    const heads = [...room.heads.filter((candidate) => !prevs.includes(candidate)), head];
    const logged = toLogged(room, { event, head, heads, updates, authEntries, senderNid, transaction });
    return { event, head, heads, updates, isNotifying: notifiesByDefault(event), logged };
  };
}

type Built = {
  event: Pdu;
  head: Head;
  heads: readonly Head[];
  updates: readonly StateUpdate[];
  authEntries: readonly StateEntry[];
  senderNid: number;
  transaction: Transaction | undefined;
};

/** What the log is to write down of an event that was built upon the room's heads. */
function toLogged(room: HotRoom, { event, head, heads, updates, authEntries, senderNid, transaction }: Built): LoggedEvent {
  const concerned = updates.flatMap((update) => update.member?.userNid ?? []);
  return {
    row: {
      eventNid: head.eventNid,
      eventId: head.eventId,
      roomNid: room.nid,
      kind: 'timeline',
      position: null,
      topological: head.topological,
      senderNid,
      type: event.type,
      keyNid: updates[0]?.keyNid ?? null,
      originServerTs: event.origin_server_ts,
      auth: authEntries.map((entry) => entry.eventNid),
      basePos: null,
      baseSnapshot: null,
      notifySeq: 0,
      deviceId: transaction?.deviceId ?? null,
      txnPath: transaction?.txnPath ?? null,
      reason: null,
      redactedBy: null,
      json: JSON.stringify(event),
    },
    isOnMainLine: true,
    stateChanges: toLoggedChanges(updates),
    memberships: toMembershipChanges(updates),
    heads: heads.map((candidate) => candidate.eventNid),
    wakes: { users: concerned.length === 0 ? room.localJoined : usersAtCommit(room.localJoined, concerned) },
  };
}

type Graph = {
  depth: number;
  prevEvents: EventReference[];
  authEvents: EventReference[];
  originServerTs: number;
  eventId: string | undefined;
};

function assemble(
  room: HotRoom,
  draft: EventDraft,
  { depth, prevEvents, authEvents, originServerTs, eventId }: Graph,
): Omit<Pdu, 'hashes' | 'signatures'> {
  const isRoomIdImplied = room.rules.createEventIdIsRoomId && draft.type === 'm.room.create';
  const content: JsonObject =
    draft.redacts !== undefined && room.rules.redactsInContent ? { ...draft.content, redacts: draft.redacts } : draft.content;
  return {
    type: draft.type,
    sender: draft.sender,
    content,
    depth,
    prev_events: prevEvents,
    auth_events: authEvents,
    origin_server_ts: originServerTs,
    ...(eventId === undefined ? {} : { event_id: eventId }),
    ...(isRoomIdImplied ? {} : { room_id: room.roomId }),
    ...(draft.stateKey === undefined ? {} : { state_key: draft.stateKey }),
    ...(draft.stickyMs === undefined ? {} : { msc4354_sticky: { duration_ms: draft.stickyMs } }),
    ...(draft.redacts !== undefined && !room.rules.redactsInContent ? { redacts: draft.redacts } : {}),
  };
}
