import type { Pdu } from 'federation-spec/events/event.ts';
import type { CheckedPdu } from './check-pdu.ts';

/**
 * Puts events after those of them that they need; otherwise they stay in the order of `roots`. Events in a circle, which no honest server
 * can make, come in some order. Each event is met once, however they are linked.
 */
export function sortByNeeds(roots: readonly CheckedPdu[], listNeeds: (event: Pdu) => readonly string[]): CheckedPdu[] {
  const byId = new Map(roots.map((pdu) => [pdu.eventId, pdu]));
  const sorted: CheckedPdu[] = [];
  const begun = new Set<string>();
  for (const root of roots) {
    const stack: { pdu: CheckedPdu; isDone: boolean }[] = [{ pdu: root, isDone: false }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (top.isDone) sorted.push(top.pdu);
      else if (!begun.has(top.pdu.eventId)) {
        begun.add(top.pdu.eventId);
        stack.push({ pdu: top.pdu, isDone: true });
        for (const id of listNeeds(top.pdu.event)) {
          const need = byId.get(id);
          if (need !== undefined && !begun.has(id)) stack.push({ pdu: need, isDone: false });
        }
      }
    }
  }
  return sorted;
}
