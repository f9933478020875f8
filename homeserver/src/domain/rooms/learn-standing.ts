import type { Sql } from '../../storage/database.ts';
import type { StoredEvent } from '../../storage/events.ts';
import { type HistoryPlace, listHistoryPlaces } from '../../storage/history-places.ts';
import { listHoldersBefore } from '../../storage/states-before.ts';
import { isBehindGap } from './gap-place.ts';
import { MEMBER } from './hot-room.ts';
import { readPdu } from './read-pdu.ts';

const VISIBILITY = 'm.room.history_visibility';
const VISIBILITY_WORD = 'history_visibility';

/** Where an event stands, and on what the state before it is laid. */
export type Stated = Pick<StoredEvent, 'eventNid' | 'roomNid' | 'position' | 'topological' | 'basePos' | 'baseSnapshot' | 'type' | 'json'>;

/**
 * How the history was shown, and how a reader stood to the room, in the state before an event; undefined where that says nothing. `brings`:
 * how it is shown from the event on, if that is what the event says.
 */
export type StandingBefore = { visibility: string | undefined; membership: string | undefined; brings: string | undefined };

export type Learnt = {
  learn: (events: readonly Stated[]) => Promise<void>;
  find: (eventNid: number) => StandingBefore | undefined;
  /** By what one finds where in a room's history backfilled events stand; nothing before such an event of the room was learnt of. */
  places: (roomNid: number) => readonly HistoryPlace[];
};

/** Gathers, for one reader, how things stood before events whose place in the log does not tell it. */
export function createLearnt(sql: Sql, userId: string): Learnt {
  const known = new Map<number, StandingBefore>();
  const places = new Map<number, HistoryPlace[]>();
  const keys = [
    { type: VISIBILITY, stateKey: '' },
    { type: MEMBER, stateKey: userId },
  ];

  async function learnPlaces(events: readonly Stated[]): Promise<void> {
    const roomNids = new Set(events.filter((event) => event.position === null && !places.has(event.roomNid)).map((event) => event.roomNid));
    if (roomNids.size === 0) return;
    const found = Map.groupBy(await listHistoryPlaces(sql, [...roomNids], keys), (place) => place.roomNid);
    for (const roomNid of roomNids) places.set(roomNid, found.get(roomNid) ?? []);
  }

  return {
    places: (roomNid) => places.get(roomNid) ?? [],
    find: (eventNid) => known.get(eventNid),
    learn: async (events) => {
      await learnPlaces(events);
      const wanted = events.filter((event) => isApart(event) && hasState(event) && !known.has(event.eventNid));
      const holders = await listHoldersBefore(
        sql,
        wanted.flatMap(({ eventNid }) => keys.map((key) => ({ eventNid, ...key }))),
      );
      const byEvent = Map.groupBy(holders, (holder) => holder.eventNid);
      for (const { eventNid, type, json } of wanted) {
        const held = new Map(byEvent.get(eventNid)?.map((holder) => [holder.type, holder.json]));
        known.set(eventNid, {
          visibility: wordOf(held.get(VISIBILITY), VISIBILITY_WORD),
          membership: wordOf(held.get(MEMBER), 'membership'),
          brings: type === VISIBILITY ? wordOf(json, VISIBILITY_WORD) : undefined,
        });
      }
    },
  };
}

/** Whether the state before the event is another than that at the position before it. */
export function isApart({ position, topological }: Pick<Stated, 'position' | 'topological'>): boolean {
  return position === null || isBehindGap(topological);
}

export function hasState({ basePos, baseSnapshot }: Pick<Stated, 'basePos' | 'baseSnapshot'>): boolean {
  return basePos !== null || baseSnapshot !== null;
}

/** A word of an event's content. */
export function wordOf(json: string | undefined, name: string): string | undefined {
  const value = json === undefined ? undefined : readPdu(json).content[name];
  return typeof value === 'string' ? value : undefined;
}
