import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { CheckedPdu } from './check-pdu.ts';
import { sortByNeeds } from './sort-by-needs.ts';

/** Events after those of them that they follow in the graph; otherwise by depth. */
export function sortByPrevs(pdus: readonly CheckedPdu[]): CheckedPdu[] {
  return sortByNeeds(
    pdus.toSorted((a, b) => a.event.depth - b.event.depth),
    listPrevEventIds,
  );
}
