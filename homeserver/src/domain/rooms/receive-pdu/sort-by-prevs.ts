import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { CheckedPdu } from './check-pdu.ts';

/** Events after those of them that they follow in the graph; otherwise by depth. */
export function sortByPrevs(pdus: readonly CheckedPdu[]): CheckedPdu[] {
  const byDepth = [...pdus].sort((a, b) => a.event.depth - b.event.depth);
  const waiting = new Map(byDepth.map((pdu) => [pdu.eventId, pdu]));
  const sorted: CheckedPdu[] = [];
  const begun = new Set<string>();
  for (const root of byDepth) {
    const stack: { pdu: CheckedPdu; isDone: boolean }[] = [{ pdu: root, isDone: false }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (top.isDone) sorted.push(top.pdu);
      else if (!begun.has(top.pdu.eventId)) {
        begun.add(top.pdu.eventId);
        stack.push({ pdu: top.pdu, isDone: true });
        for (const id of listPrevEventIds(top.pdu.event)) {
          const prev = waiting.get(id);
          if (prev !== undefined && !begun.has(id)) stack.push({ pdu: prev, isDone: false });
        }
      }
    }
  }
  return sorted;
}
