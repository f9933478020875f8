import type { HistoryPlace } from '../../storage/history-places.ts';
import { readPdu } from './read-pdu.ts';

/** When, as far as is known, an event happened that came by backfill and so has no position. */
export type HistoryMoment = {
  /** The last position of the log before the gap that it fills ended. */
  position: number;
  /** What backfilled state of a type said then, by the name of a key of its content; undefined when none is known from before it. */
  told: (type: string, key: string) => string | undefined;
  /** Whether backfilled state of a type is known from after it, within the same gap: before that, something else held. */
  changesLater: (type: string) => boolean;
};

/** Where the event stands among the gaps of its room. `places` are those of the room, in its own order. */
export function findMoment(places: readonly HistoryPlace[], topological: number): HistoryMoment {
  const gaps = places.filter((place) => place.position !== null);
  const start = gaps.findLast((gap) => gap.topological <= topological)?.topological ?? 0;
  const end = gaps.find((gap) => gap.topological > topological);
  const inside = (type: string) =>
    places.filter(
      (place) =>
        place.position === null && place.type === type && place.topological > start && place.topological < (end?.topological ?? Infinity),
    );
  return {
    position: (end?.position ?? 1) - 1,
    told: (type, key) => {
      const before = inside(type).findLast((place) => place.topological < topological);
      const value = before === undefined ? undefined : readPdu(before.json).content[key];
      return typeof value === 'string' ? value : undefined;
    },
    changesLater: (type) => inside(type).some((place) => place.topological > topological),
  };
}
