import type { Database } from '../../storage/database.ts';
import { listLastPositions, listRoomActivity } from '../../storage/sync.ts';
import { positionOf } from '../streams/log-batch.ts';
import type { Notifier } from '../streams/notifier.ts';

/** Tells which rooms had timeline events after a position. */
export type RoomActivity = {
  isActiveSince: (after: number) => Promise<(roomNid: number) => boolean>;
  /** The position of each room's last timeline event. */
  listLastPositions: (roomNids: readonly number[]) => Promise<ReadonlyMap<number, number>>;
};

/** Remembers the last event position of every room since the start, and of those asked for; for what is older the database is asked, once per sync. */
export function createRoomActivity({
  database,
  notifier,
  startedAt,
}: {
  database: Database;
  notifier: Notifier;
  startedAt: number;
}): RoomActivity {
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
    isActiveSince: async (after) => {
      if (after >= startedAt) return (roomNid) => (last.get(roomNid) ?? 0) > after;
      const older = new Set((await listRoomActivity(database.sql, after)).map((row) => row.roomNid));
      return (roomNid) => older.has(roomNid) || (last.get(roomNid) ?? 0) > after;
    },
  };
}
