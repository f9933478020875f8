import type { Sql } from '../../storage/database.ts';
import type { MembershipRow, StateClosing, StateInterval, StoredEvent } from '../../storage/events.ts';

/** Who is to be woken once a row is committed. */
export type Wakes = {
  /** Local users, by number. May be a live set: it is read at the commit. */
  users?: Iterable<number>;
  rooms?: Iterable<number>;
  /** Users whose memberships were changed by the row itself, such as an invite from afar. */
  membershipsOf?: Iterable<number>;
  /** Users who read something. */
  readBy?: Iterable<number>;
  /** Users whose account data, such as whom they ignore, was changed by the row. */
  accountDataOf?: Iterable<number>;
  /** Users whose push rules were changed by the row. */
  pushRulesOf?: Iterable<number>;
  /** Rooms of which more history came by backfill. */
  history?: Iterable<number>;
  /** Servers for which something waits in the outbox. */
  destinations?: Iterable<string>;
};

/** A key of the room's current state gets a new holder, or (null) none, at the event's position. */
export type StateChange = { keyNid: number; eventNid: number | null };

/** A member's new standing; the event is unknown when a resolution took it out of the state. */
export type MembershipChange = { userNid: number; membership: number; eventNid: number | null };

/** An event on its way into the log. The log gives it its position. */
export type LoggedEvent = {
  row: StoredEvent;
  /** Its prev_events are exactly the heads: the state before it is the room's state just before its position. */
  isOnMainLine: boolean;
  stateChanges: readonly StateChange[];
  memberships: readonly MembershipChange[];
  /** The room's heads after it, by number. */
  heads: readonly number[];
  wakes: Wakes;
};

/** A row of any other stream that sync can show. */
export type StreamRow = {
  write: (sql: Sql, position: number) => PromiseLike<unknown>;
  wakes: Wakes;
};

/** Something that must commit with the rest and has no position of its own. */
export type Rider = (sql: Sql) => PromiseLike<unknown>;

export type LogBatch = {
  events?: readonly LoggedEvent[];
  rows?: readonly StreamRow[];
  riders?: readonly Rider[];
};

/** A batch that is committed, as followers see it. Positions run from `from` to `to`, both included. */
export type Committed = {
  from: number;
  to: number;
  events: readonly LoggedEvent[];
  wakes: readonly Wakes[];
};

/** The interval still holds. */
const STILL = Number.POSITIVE_INFINITY;

/**
 * Reduces the state changes of a batch so that one statement can write them: an interval that a later event of the same batch
 * ends is written already closed, and the interval open in the database is closed once.
 */
export function reduceStateChanges(events: readonly LoggedEvent[]): { closings: StateClosing[]; intervals: StateInterval[] } {
  const closings: StateClosing[] = [];
  const intervals: StateInterval[] = [];
  const opened = new Map<string, StateInterval | undefined>();

  for (const { row, stateChanges } of events) {
    const position = positionOf(row);
    for (const { keyNid, eventNid } of stateChanges) {
      const key = `${row.roomNid} ${keyNid}`;
      const earlier = opened.get(key);
      if (earlier !== undefined) earlier.toPos = position;
      else if (!opened.has(key)) closings.push({ roomNid: row.roomNid, keyNid, position });

      const interval = eventNid === null ? undefined : { roomNid: row.roomNid, keyNid, fromPos: position, toPos: STILL, eventNid };
      if (interval !== undefined) intervals.push(interval);
      opened.set(key, interval);
    }
  }
  return { closings, intervals };
}

/** The last membership of each (room, user) of a batch. */
export function reduceMemberships(events: readonly LoggedEvent[]): MembershipRow[] {
  const last = new Map<string, MembershipRow>();
  for (const { row, memberships } of events) {
    for (const change of memberships) {
      last.set(`${row.roomNid} ${change.userNid}`, { ...change, roomNid: row.roomNid, position: positionOf(row) });
    }
  }
  return [...last.values()];
}

/** The heads that each room of a batch ends with. */
export function reduceHeads(events: readonly LoggedEvent[]): { roomNid: number; heads: readonly number[]; notifySeq: number }[] {
  const last = new Map<number, { roomNid: number; heads: readonly number[]; notifySeq: number }>();
  for (const { row, heads } of events) last.set(row.roomNid, { roomNid: row.roomNid, heads, notifySeq: row.notifySeq });
  return [...last.values()];
}

/** The position of an event that has been given one. */
export function positionOf(row: StoredEvent): number {
  if (row.position === null) throw new Error(`the event ${row.eventId} has no position`);
  return row.position;
}
