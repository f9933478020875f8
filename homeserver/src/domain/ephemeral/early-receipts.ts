import type { JsonValue } from 'federation-spec/events/event.ts';
import type { HotRoom } from '../rooms/hot-room.ts';

/** How many receipts are kept for events that have not arrived yet, and how many of them of one server. */
const MAX_RECEIPTS = 5_000;
const MAX_RECEIPTS_OF_SERVER = 1_000;

/** Private receipts never leave their server. */
export type RemoteKind = 'read' | 'delivered';
export type EarlyReceipt = { origin: string; room: HotRoom; eventId: string; userId: string; value: JsonValue; kind: RemoteKind };

/** Receipts that have overtaken the events they are about. */
export type EarlyReceipts = {
  keep: (receipt: EarlyReceipt) => void;
  /** Those that were waiting for an event, which wait no more. */
  take: (eventId: string) => EarlyReceipt[];
};

/** A receipt of one server makes room by the oldest of that server, or else of the server that has most: who sends few loses none. */
export function createEarlyReceipts(): EarlyReceipts {
  /** By server, oldest first. */
  const byServer = new Map<string, Set<EarlyReceipt>>();
  /** By event, and then by user and kind. */
  const byEvent = new Map<string, Map<string, EarlyReceipt>>();
  let kept = 0;

  const keyOf = ({ userId, kind }: EarlyReceipt) => `${userId} ${kind}`;

  function forget(receipt: EarlyReceipt): void {
    const ofServer = byServer.get(receipt.origin);
    if (ofServer?.delete(receipt) !== true) return;
    kept -= 1;
    if (ofServer.size === 0) byServer.delete(receipt.origin);
    const ofEvent = byEvent.get(receipt.eventId);
    ofEvent?.delete(keyOf(receipt));
    if (ofEvent?.size === 0) byEvent.delete(receipt.eventId);
  }

  function forgetOldest(receipts: ReadonlySet<EarlyReceipt> | undefined): void {
    const [oldest] = receipts ?? [];
    if (oldest !== undefined) forget(oldest);
  }

  function findLargest(): Set<EarlyReceipt> | undefined {
    let largest: Set<EarlyReceipt> | undefined;
    for (const receipts of byServer.values()) if (receipts.size > (largest?.size ?? 0)) largest = receipts;
    return largest;
  }

  return {
    keep: (receipt) => {
      const earlier = byEvent.get(receipt.eventId)?.get(keyOf(receipt));
      if (earlier !== undefined) forget(earlier);
      if ((byServer.get(receipt.origin)?.size ?? 0) >= MAX_RECEIPTS_OF_SERVER) forgetOldest(byServer.get(receipt.origin));
      if (kept >= MAX_RECEIPTS) forgetOldest(findLargest());
      byServer.set(receipt.origin, (byServer.get(receipt.origin) ?? new Set()).add(receipt));
      byEvent.set(receipt.eventId, (byEvent.get(receipt.eventId) ?? new Map()).set(keyOf(receipt), receipt));
      kept += 1;
    },
    take: (eventId) => {
      const waiting = [...(byEvent.get(eventId)?.values() ?? [])];
      for (const receipt of waiting) forget(receipt);
      return waiting;
    },
  };
}
