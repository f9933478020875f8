/** Remembers in which rooms receipts were written since the start, so that a sync asks the database only about those. */
export type ReceiptActivity = {
  wrote: (roomNid: number, position: number) => void;
  /** Whether a room may have receipts after a position; what was before the start always may. */
  isActiveSince: (after: number) => (roomNid: number) => boolean;
};

export function createReceiptActivity(startedAt: number): ReceiptActivity {
  const last = new Map<number, number>();
  return {
    wrote: (roomNid, position) => void last.set(roomNid, Math.max(position, last.get(roomNid) ?? 0)),
    isActiveSince: (after) => (roomNid) => after < startedAt || (last.get(roomNid) ?? 0) > after,
  };
}
