import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { type KeyInterval, listKeyHistories } from '../../storage/timeline.ts';
import { MEMBER } from './hot-room.ts';
import { readPdu } from './read-pdu.ts';
import { DUMMY_EVENT } from './room-event.ts';

/** Whether the reader may see an event of the room. */
export type MaySee = (
  event: Pick<StoredEvent, 'eventNid' | 'position' | 'type' | 'senderNid'> & Partial<Pick<StoredEvent, 'keyNid'>>,
) => boolean;

/** What a person may see of one room. */
export type RoomView = {
  maySee: MaySee;
  /** How the reader stood to the room at an event, with what the event itself changed. */
  membershipAt: (event: Pick<StoredEvent, 'position'>) => string;
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
    const keys = [
      { type: VISIBILITY, stateKey: '' },
      { type: MEMBER, stateKey: userId },
    ];
    const histories = Map.groupBy(await listKeyHistories(database.sql, roomNids, keys), ({ roomNid }) => roomNid);
    return new Map(
      roomNids.map((roomNid) => {
        const { [VISIBILITY]: visibilities = [], [MEMBER]: memberships = [] } = Object.groupBy(
          histories.get(roomNid) ?? [],
          ({ type }) => type,
        );
        return [roomNid, toView(visibilities, memberships)];
      }),
    );
  };
}

export function createViewRoom(viewRooms: ViewRooms): ViewRoom {
  return async (roomNid, userId) => (await viewRooms([roomNid], userId)).get(roomNid) ?? toView([], []);
}

function toView(visibilities: readonly KeyInterval[], memberships: readonly KeyInterval[]): RoomView {
  const visibility = valuesOf(visibilities, 'history_visibility');
  const membership = valuesOf(memberships, 'membership');
  const lastJoin = membership.findLast((interval) => interval.value === 'join');

  const ownEvents = new Set(memberships.map((interval) => interval.eventNid));

  return {
    membership: membership.findLast((interval) => interval.to === Number.POSITIVE_INFINITY)?.value,
    lastJoinedAt: lastJoin === undefined ? undefined : lastJoin.to,
    membershipAt: ({ position }) => valueAt(membership, position ?? 0) ?? 'leave',
    maySee: (event) => {
      if (event.type === DUMMY_EVENT) return false;
      if (ownEvents.has(event.eventNid)) return true;
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
