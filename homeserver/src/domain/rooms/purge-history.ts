import type { Database } from '../../storage/database.ts';
import { deleteMessages, type PurgeBound } from '../../storage/purge.ts';
import type { HotRoom } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';

/** Messages deleted by one statement. */
const CHUNK = 1_000;
/** Most chunks of one purge. */
const MAX_CHUNKS = 100_000;

/** Deletes what was said in a room up to a bound; resolves with how much it was. The room's last events stay, and so does its state. */
export type PurgeHistory = (room: HotRoom, bound: PurgeBound, options: { remoteOnly: boolean }) => Promise<number>;

export function createPurgeHistory({ database, rooms }: { database: Database; rooms: HotRooms }): PurgeHistory {
  return async function purgeHistory(room, bound, { remoteOnly }) {
    const keep = room.heads.map((head) => head.eventNid);
    let total = 0;
    for (let chunk = 0; chunk < MAX_CHUNKS; chunk += 1) {
      const deleted = await deleteMessages(database.sql, { roomNid: room.nid, bound, keep, remoteOnly, limit: CHUNK });
      total += deleted;
      if (deleted < CHUNK) break;
    }
    // What memory holds of the newest events may be gone.
    if (total > 0) await room.turns.take(async () => rooms.evict(room.nid));
    return total;
  };
}
