import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import { ROOM_VERSIONS, type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { type JsonObject, stringIn } from '../json.ts';
import type { RoomEvent } from '../room-event.ts';
import type { StoredEvent } from '../timeline/stored-event.ts';
import type { Membership } from './membership.ts';

/** What a create event means that names no version. */
const FIRST_VERSION = '1';

export type ReceiptPosition = { eventId: string; timestampMs: number };

/**
 * All that the client knows of one room. It is changed in place by `applyJoinedRoom` and friends, each of which says what it changed;
 * what views see are values made from it.
 */
export type RoomRecord = {
  readonly roomId: string;
  membership: Membership;
  /** Current state, by `stateKeyOf`. Members are loaded lazily. */
  state: Map<string, RoomEvent>;
  heroes: string[];
  joinedCount: number;
  invitedCount: number;
  unreadCount: number;
  highlightCount: number;
  accountData: Map<string, JsonObject>;
  /** Without gaps, oldest first, to the newest event. */
  timeline: StoredEvent[];
  /** Where to go on for what is before `timeline`; nothing at the start of the room. */
  prevBatch: string | undefined;
  /** Tokens for what is before some of the events in `timeline`: places where it may be cut. */
  batchTokens: Map<string, string>;
  /** Newest public read receipt of each user. */
  receipts: Map<string, ReceiptPosition>;
  /** How far each user's devices got the events handed (our extension). */
  delivered: Map<string, ReceiptPosition>;
  /** Our own newest receipt, private ones included. */
  ownReceipt: ReceiptPosition | undefined;
  typing: string[];
  hasAllMembers: boolean;
  lastActivityMs: number;
};

export function createRoomRecord(roomId: string, membership: Membership): RoomRecord {
  return {
    roomId,
    membership,
    state: new Map(),
    heroes: [],
    joinedCount: 0,
    invitedCount: 0,
    unreadCount: 0,
    highlightCount: 0,
    accountData: new Map(),
    timeline: [],
    prevBatch: undefined,
    batchTokens: new Map(),
    receipts: new Map(),
    delivered: new Map(),
    ownReceipt: undefined,
    typing: [],
    hasAllMembers: false,
    lastActivityMs: 0,
  };
}

/** The rules of the room's version; those of the newest one while its create event is not here, and for a version nobody told us. */
export function rulesOf(record: RoomRecord): RoomVersionRules {
  const create = stateContent(record, 'm.room.create');
  const version = create === undefined ? undefined : (stringIn(create, 'room_version') ?? FIRST_VERSION);
  return (version === undefined ? undefined : roomVersionRules(version)) ?? newestRules();
}

export function stateEvent(record: RoomRecord, type: string, stateKey = ''): RoomEvent | undefined {
  return record.state.get(stateKeyOf(type, stateKey));
}

export function stateContent(record: RoomRecord, type: string, stateKey = ''): JsonObject | undefined {
  return stateEvent(record, type, stateKey)?.content;
}

export function isEncryptedRoom(record: RoomRecord): boolean {
  return stateEvent(record, 'm.room.encryption') !== undefined;
}

function newestRules(): RoomVersionRules {
  const rules = roomVersionRules(ROOM_VERSIONS.at(-1) ?? FIRST_VERSION);
  if (rules === undefined) throw new Error('No room version is known');
  return rules;
}
