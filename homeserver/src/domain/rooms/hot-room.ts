import type { Pdu } from 'federation-spec/events/event.ts';
import { stateKeyOf } from 'federation-spec/events/state-key.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { RoomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { membershipNumber } from '../../storage/memberships.ts';
import { RefusedBasis } from '../streams/log.ts';
import type { LoggedEvent, StateChange as LoggedStateChange, MembershipChange } from '../streams/log-batch.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { Head, StateEntry } from './room-event.ts';
import { createTurns } from './turns.ts';

/** How many of its newest events a room keeps in memory. */
const RING_EVENTS = 100;
/** How many membership events of a room are kept parsed, beside those of its other state. */
const MAX_CACHED_MEMBERS = 2_000;
/** How many comings and goings of servers a room remembers, for whoever follows the log and is a little behind. */
const MAX_MOVEMENTS = 200;
/** How many transactions of its senders a room remembers, to answer a repeated request without asking the database. */
const MAX_TRANSACTIONS = 1_000;

/** A server's first member came, or its last one left, by this event; its position is null until it is committed. */
export type ServerMovement = { server: string; isArrival: boolean; row: StoredEvent };

export const MEMBER = 'm.room.member';
const LEAVE = membershipNumber('leave');

/** A change of the room's current state that an event brings: the key's new holder, or none. */
export type StateUpdate = {
  type: string;
  stateKey: string;
  keyNid: number;
  entry: StateEntry | undefined;
  /** Whose membership it is, for `m.room.member`. */
  member?: { userNid: number; isLocal: boolean };
};

/** An event that passed its checks, ready to be staged. */
export type PreparedEvent = {
  logged: LoggedEvent;
  event: Pdu;
  head: Head;
  heads: Head[];
  updates: readonly StateUpdate[];
  isNotifying: boolean;
};

/**
 * A room in use, in memory. State, heads and counts are ahead of the database by what is staged and not yet committed; the ring holds
 * committed events only. When the log refuses an event, the room is thrown away and loaded anew.
 */
export class HotRoom {
  readonly nid: number;
  readonly roomId: string;
  readonly version: string;
  readonly rules: RoomVersionRules;
  readonly turns = createTurns();
  /** In which the room's policy server is asked of what is sent here. */
  readonly policyTurns = createTurns();
  /** Forward extremities, newest last. */
  heads: Head[] = [];
  notifySeq = 0;
  isPartial = false;
  /** Memory has let the room go: what is here may be behind. Nothing can be staged any more. */
  isEvicted = false;
  /** Local users who are joined, by number. */
  readonly localJoined = new Set<number>();
  /** How many users of each server are joined. */
  readonly joinedServers = new Map<string, number>();
  /** The latest comings and goings of servers, oldest first. */
  readonly movements: ServerMovement[] = [];
  /** Committed events, oldest first. */
  readonly ring: LoggedEvent[] = [];
  /** The ring holds every timeline event of the room after this position. */
  ringFloor = 0;
  /** (sender, device, transaction) → event id, or the promise of one. */
  readonly transactions = new Map<string, Promise<string> | string>();
  readonly #state = new Map<string, StateEntry>();
  readonly #members = new Map<string, StateEntry | null>();

  constructor(given: { nid: number; roomId: string; version: string; rules: RoomVersionRules }) {
    this.nid = given.nid;
    this.roomId = given.roomId;
    this.version = given.version;
    this.rules = given.rules;
  }

  /** The current holder of a key. A membership must have been made present before (`absentMembers`). */
  findEntry(type: string, stateKey: string): StateEntry | undefined {
    if (type !== MEMBER) return this.#state.get(stateKeyOf(type, stateKey));
    const entry = this.#members.get(stateKey);
    if (entry === undefined && this.heads.length > 0) throw new Error(`the membership of ${stateKey} in ${this.roomId} was not loaded`);
    return entry ?? undefined;
  }

  /** So that the auth rules need not hash the create event again. Empty while the room is being made. */
  get createEventId(): string {
    return this.findEntry('m.room.create', '')?.eventId ?? '';
  }

  /** The event that currently holds a key; what the auth rules ask. */
  find(type: string, stateKey: string): Pdu | undefined {
    return this.findEntry(type, stateKey)?.event;
  }

  /** All current state except memberships. */
  listState(): StateEntry[] {
    return [...this.#state.values()];
  }

  /** Those users among the given whose membership is not in memory. */
  absentMembers(userIds: readonly string[]): string[] {
    return userIds.filter((userId) => !this.#members.has(userId));
  }

  /** The members are all known now: what was held to be no member may be one. `servers`: how many users of each are joined. */
  becameWhole(servers: ReadonlyMap<string, number>): void {
    this.isPartial = false;
    for (const [userId, entry] of this.#members) if (entry === null) this.#members.delete(userId);
    this.joinedServers.clear();
    for (const [server, joined] of servers) this.joinedServers.set(server, joined);
  }

  /** Puts a loaded entry into memory; `undefined` says that the user never was a member. */
  rememberMember(userId: string, entry: StateEntry | undefined): void {
    if (this.#members.size >= MAX_CACHED_MEMBERS) {
      const [oldest] = this.#members.keys();
      if (oldest !== undefined) this.#members.delete(oldest);
    }
    this.#members.set(userId, entry ?? null);
  }

  /** Puts a loaded entry that is no membership into memory. */
  rememberState(type: string, stateKey: string, entry: StateEntry): void {
    this.#state.set(stateKeyOf(type, stateKey), entry);
  }

  rememberTransaction(key: string, eventId: Promise<string> | string): void {
    if (this.transactions.size >= MAX_TRANSACTIONS) {
      const [oldest] = this.transactions.keys();
      if (oldest !== undefined) this.transactions.delete(oldest);
    }
    this.transactions.set(key, eventId);
  }

  /**
   * Makes the room's memory as if the event were committed. Append `prepared.logged` to the log right after it, in the same turn.
   * Throws `RefusedBasis` when the room was evicted since it was loaded.
   */
  stage(prepared: PreparedEvent): LoggedEvent {
    if (this.isEvicted) throw new RefusedBasis();
    if (prepared.isNotifying) this.notifySeq += 1;
    prepared.logged.row.notifySeq = this.notifySeq;
    for (const update of prepared.updates) this.#update(update, prepared.logged.row);
    this.heads = prepared.heads;
    return prepared.logged;
  }

  #update({ type, stateKey, member, entry }: StateUpdate, row: StoredEvent): void {
    if (type !== MEMBER) {
      if (entry === undefined) this.#state.delete(stateKeyOf(type, stateKey));
      else this.#state.set(stateKeyOf(type, stateKey), entry);
      return;
    }
    const wasJoined = this.#members.get(stateKey)?.event.content['membership'] === 'join';
    const isJoined = entry?.event.content['membership'] === 'join';
    this.rememberMember(stateKey, entry);
    if (wasJoined === isJoined) return;
    this.#count(serverNameOf(stateKey) ?? '', { isJoined, isLocal: member?.isLocal === true, row });
    if (member?.isLocal !== true) return;
    if (isJoined) this.localJoined.add(member.userNid);
    else this.localJoined.delete(member.userNid);
  }

  /** While not all members are known, another server is there as long as it is said to be: who is known to leave need not be the last. */
  #count(server: string, { isJoined, isLocal, row }: { isJoined: boolean; isLocal: boolean; row: StoredEvent }): void {
    const before = this.joinedServers.get(server);
    const joined = (before ?? 0) + (isJoined ? 1 : -1);
    const mayHaveOthers = this.isPartial && !isLocal && before !== undefined;
    if (!mayHaveOthers && (isJoined ? joined === 1 : joined <= 0)) this.#moved({ server, isArrival: isJoined, row });
    if (joined > 0 || mayHaveOthers) this.joinedServers.set(server, Math.max(0, joined));
    else this.joinedServers.delete(server);
  }

  #moved(movement: ServerMovement): void {
    this.movements.push(movement);
    if (this.movements.length > MAX_MOVEMENTS) this.movements.shift();
  }

  /**
   * The servers that were in the room just before or just after a committed event, as far back as memory goes: the room itself may be
   * ahead of the log, and whoever follows the log behind it.
   */
  serversAround(position: number): Set<string> {
    const servers = new Set(this.joinedServers.keys());
    for (const { server, isArrival, row } of this.movements.toReversed()) {
      const at = row.position ?? Number.POSITIVE_INFINITY;
      if (isArrival && at > position) servers.delete(server);
      if (!isArrival && at >= position) servers.add(server);
    }
    return servers;
  }

  /** Called after the commit. */
  committed(logged: LoggedEvent): void {
    this.ring.push(logged);
    if (this.ring.length <= RING_EVENTS) return;
    const dropped = this.ring.splice(0, this.ring.length - RING_EVENTS);
    const last = dropped.at(-1);
    if (last !== undefined) this.ringFloor = positionOf(last.row);
  }
}

/** The log's form of state updates. */
export function toLoggedChanges(updates: readonly StateUpdate[]): LoggedStateChange[] {
  return updates.map(({ keyNid, entry }) => ({ keyNid, eventNid: entry?.eventNid ?? null }));
}

/** The memberships that state updates bring. Who is taken out of the state has left. */
export function toMembershipChanges(updates: readonly StateUpdate[]): MembershipChange[] {
  return updates.flatMap(({ member, entry }) => {
    if (member === undefined) return [];
    const membership = entry === undefined ? LEAVE : membershipNumber(entry.event.content['membership']);
    return membership === 0 ? [] : [{ userNid: member.userNid, membership, eventNid: entry?.eventNid ?? null }];
  });
}
