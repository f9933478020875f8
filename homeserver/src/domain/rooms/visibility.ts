import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import type { HistoryPlace } from '../../storage/history-places.ts';
import { type KeyInterval, listKeyHistories } from '../../storage/timeline.ts';
import { findMoment } from './history-moment.ts';
import { MEMBER } from './hot-room.ts';
import { createLearnt, type Learnt, type StandingBefore, type Stated } from './learn-standing.ts';
import { readPdu } from './read-pdu.ts';
import { isForClients } from './room-event.ts';

/** Whether the reader may see an event of the room. */
export type MaySee = (
  event: Pick<StoredEvent, 'eventNid' | 'position' | 'type' | 'senderNid'> &
    Partial<Pick<StoredEvent, 'keyNid' | 'topological' | 'json' | 'reason'>>,
) => boolean;

/** What a person may see of one room. */
export type RoomView = {
  maySee: MaySee;
  /**
   * Reads how things stood before those of the events whose place in the log does not tell it: what came by backfill, or stands behind a
   * gap. They are then judged by that. Costs two queries, when there are any. Views that were made together learn together.
   */
  learn: (events: readonly Stated[]) => Promise<void>;
  /** Whether between events that the reader may see there may be others: history was not always open to all members, or they are none now. */
  mayHide: boolean;
  /** How the reader stood to the room at an event, with what the event itself changed. */
  membershipAt: (event: Pick<StoredEvent, 'eventNid' | 'position'>) => string;
  /** The membership the room's current state gives the reader. */
  membership: string | undefined;
  /** For someone who was once joined: the last position at which they were. */
  lastJoinedAt: number | undefined;
};

export type ViewRoom = (roomNid: number, userId: string) => Promise<RoomView>;

/** The same for many rooms at once. */
export type ViewRooms = (roomNids: readonly number[], userId: string) => Promise<ReadonlyMap<number, RoomView>>;

const VISIBILITY = 'm.room.history_visibility';

/**
 * https://spec.matrix.org/latest/client-server-api/#room-history-visibility
 * Two short histories (of the visibility and of the reader's membership) answer for every event of the room, so any number of rooms and
 * events costs one query.
 */
export function createViewRooms({ database }: { database: Database }): ViewRooms {
  return async function viewRooms(roomNids, userId) {
    const intervals = await listKeyHistories(database.sql, roomNids, [
      { type: VISIBILITY, stateKey: '' },
      { type: MEMBER, stateKey: userId },
    ]);
    const histories = Map.groupBy(intervals, ({ roomNid }) => roomNid);
    const learnt = createLearnt(database.sql, userId);
    return new Map(
      roomNids.map((roomNid) => {
        const { [VISIBILITY]: visibilities = [], [MEMBER]: memberships = [] } = Object.groupBy(
          histories.get(roomNid) ?? [],
          ({ type }) => type,
        );
        return [roomNid, toView({ visibilities, memberships, places: () => learnt.places(roomNid) }, learnt)];
      }),
    );
  };
}

export function createViewRoom(viewRooms: ViewRooms): ViewRoom {
  return async (roomNid, userId) => {
    const view = (await viewRooms([roomNid], userId)).get(roomNid);
    if (view === undefined) throw new Error(`the room ${roomNid} was not looked at`);
    return view;
  };
}

type Histories = { visibilities: readonly KeyInterval[]; memberships: readonly KeyInterval[]; places: () => readonly HistoryPlace[] };

function toView({ visibilities, memberships, places }: Histories, learnt: Learnt): RoomView {
  const visibility = valuesOf(visibilities, 'history_visibility');
  const membership = valuesOf(memberships, 'membership');
  const lastJoin = membership.findLast((interval) => interval.value === 'join');

  const ownEvents = new Set(memberships.map((own) => own.eventNid));
  const findOwnBackfilled = (eventNid: number) =>
    places().find((place) => place.eventNid === eventNid && place.type === MEMBER && place.position === null);

  /**
   * What came by backfill is judged by what else came from before it; failing that, by how things stood before the gap that it fills. For
   * what nobody here can know, the server that gave it has already left out what none of us may see.
   */
  function maySeeBackfilled(event: Parameters<MaySee>[0], topological: number): boolean {
    const moment = findMoment(places(), topological);
    const standing = moment.told(MEMBER, 'membership') ?? valueAt(membership, moment.position);
    const unknown = moment.changesLater(VISIBILITY) ? 'shared' : (visibility[0]?.value ?? 'shared');
    const held = moment.told(VISIBILITY, 'history_visibility') ?? valueAt(visibility, moment.position) ?? unknown;
    const joinsLater = lastJoin !== undefined && lastJoin.to > moment.position;
    return isVisible(held, standing, joinsLater) || (event.type === VISIBILITY && isVisible('shared', standing, joinsLater));
  }

  /** With what is known of the state before it; an event that says how history is shown is shown as before or as after it. */
  function maySeeLearnt(event: Parameters<MaySee>[0], { visibility = 'shared', membership: standing, brings }: StandingBefore): boolean {
    const position = event.position ?? findMoment(places(), event.topological ?? 0).position;
    const joinsLater = lastJoin !== undefined && lastJoin.to > position;
    return [visibility, brings ?? visibility].some((shown) => isVisible(shown, standing, joinsLater));
  }

  return {
    learn: learnt.learn,
    mayHide: lastJoin?.to !== Number.POSITIVE_INFINITY || visibility.some(({ value }) => value === 'joined' || value === 'invited'),
    membership: membership.findLast((interval) => interval.to === Number.POSITIVE_INFINITY)?.value,
    lastJoinedAt: lastJoin === undefined ? undefined : lastJoin.to,
    membershipAt: ({ eventNid, position }) => {
      const own = position === null ? findOwnBackfilled(eventNid) : undefined;
      const said = own === undefined ? undefined : readPdu(own.json).content['membership'];
      if (typeof said === 'string') return said;
      return (position === null ? learnt.find(eventNid)?.membership : undefined) ?? valueAt(membership, position ?? 0) ?? 'leave';
    },
    maySee: (event) => {
      if (!isForClients(event)) return false;
      if (ownEvents.has(event.eventNid) || (event.position === null && findOwnBackfilled(event.eventNid) !== undefined)) return true;
      const before = learnt.find(event.eventNid);
      if (before !== undefined) return maySeeLearnt(event, before);
      if (event.position === null && event.topological !== undefined) return maySeeBackfilled(event, event.topological);
      const position = event.position ?? 0;
      const moments = event.type === MEMBER || event.type === 'm.room.history_visibility' ? [position - 1, position] : [position - 1];
      const joinsLater = lastJoin !== undefined && lastJoin.to > position;
      // For what came by backfill, from before we took part, the first visibility that we know is taken.
      const unknown = event.position === null ? (visibility[0]?.value ?? 'shared') : 'shared';
      return moments.some((at) => isVisible(valueAt(visibility, at) ?? unknown, valueAt(membership, at), joinsLater));
    },
  };
}

function isVisible(visibility: string, membership: string | undefined, joinsLater: boolean): boolean {
  if (visibility === 'world_readable' || membership === 'join') return true;
  if (visibility === 'joined') return false;
  if (visibility === 'invited') return membership === 'invite';
  return joinsLater;
}

type Interval = { from: number; to: number; value: string };

function valuesOf(history: readonly KeyInterval[], key: string): Interval[] {
  return history.flatMap(({ fromPos, toPos, json }) => {
    const content: JsonObject = readPdu(json).content;
    const value = content[key];
    return typeof value === 'string'
      ? [{ from: fromPos, to: toPos > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : toPos, value }]
      : [];
  });
}

function valueAt(intervals: readonly Interval[], at: number): string | undefined {
  const found = intervals.find((interval) => interval.from <= at && at < interval.to);
  return found?.value;
}
