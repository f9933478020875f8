import type { Database } from '../../storage/database.ts';
import { listLastPositions } from '../../storage/sync.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { Notifier } from '../streams/notifier.ts';

/** Tells when rooms last had timeline events. */
export type RoomActivity = {
  /** The position of each room's last timeline event. */
  listLastPositions: (roomNids: readonly number[]) => Promise<ReadonlyMap<number, number>>;
};

/** Remembers the last event position of every room since the start, and of those asked for: the database is asked once for each. */
export function createRoomActivity({ database, notifier }: { database: Database; notifier: Notifier }): RoomActivity {
  const last = new Map<number, number>();
  notifier.onCommit(({ events }) => {
    for (const { row } of events) last.set(row.roomNid, positionOf(row));
  });

  return {
    listLastPositions: async (roomNids) => {
      const unknown = roomNids.filter((roomNid) => !last.has(roomNid));
      for (const { roomNid, position } of await listLastPositions(database.sql, unknown))
        last.set(roomNid, Math.max(position, last.get(roomNid) ?? 0));
      return last;
    },
  };
}
