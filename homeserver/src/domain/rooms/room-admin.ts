import type { Logger } from '../../platform/logger.ts';
import { notFound, unknown } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import { findBlock, setBlocked } from '../../storage/blocked-rooms.ts';
import type { Database } from '../../storage/database.ts';
import { findEvent } from '../../storage/events.ts';
import { findPlaceBefore, type PurgeBound } from '../../storage/purge.ts';
import { type AdminJob, createAdminJobs } from './admin-jobs.ts';
import type { DeleteRoom } from './delete-room.ts';
import type { HotRoom } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { PurgeHistory } from './purge-history.ts';

export type RoomAdmin = {
  /** Sets the deletion of what was said before an event or a time going; resolves with the id to ask about it by. */
  purgeHistory: (roomId: string, until: { eventId: string } | { ts: number }, options: { withLocal: boolean }) => Promise<string>;
  deleteRoom: DeleteRoom;
  deleteRoomLater: (...request: Parameters<DeleteRoom>) => Promise<string>;
  /** Throws M_NOT_FOUND. */
  loadJob: (id: string) => AdminJob;
  listJobs: (roomId: string) => AdminJob[];
  findBlock: (roomId: string) => Promise<string | undefined>;
  setBlock: (admin: { userNid: number }, roomId: string, isBlocked: boolean) => Promise<void>;
  settled: () => Promise<void>;
};

type Deps = { database: Database; rooms: HotRooms; purgeHistory: PurgeHistory; deleteRoom: DeleteRoom; random: Random; logger: Logger };

/** https://element-hq.github.io/synapse/latest/admin_api/purge_history_api.html */
export function createRoomAdmin({ database, rooms, purgeHistory, deleteRoom, random, logger }: Deps): RoomAdmin {
  const { sql } = database;
  const jobs = createAdminJobs({ random, logger });
  const purging = new Set<number>();

  async function findBound(room: HotRoom, until: { eventId: string } | { ts: number }): Promise<PurgeBound> {
    if ('ts' in until) {
      const topological = await findPlaceBefore(sql, room.nid, until.ts);
      if (topological === undefined) throw notFound('There is no event to be purged.');
      return { beforeTopological: topological };
    }
    const event = await findEvent(sql, until.eventId);
    if (event === undefined) throw notFound(`There is no event ${until.eventId}.`);
    if (event.roomNid !== room.nid) throw unknown('The event is in another room.');
    return { beforeTopological: event.topological };
  }

  return {
    deleteRoom,
    purgeHistory: async (roomId, until, { withLocal }) => {
      const room = await rooms.load(roomId);
      if (room === undefined) throw notFound(`This server does not know the room ${roomId}.`);
      if (purging.has(room.nid)) throw unknown(`The history of ${roomId} is being purged already.`);
      const bound = await findBound(room, until);
      purging.add(room.nid);
      return jobs.start(roomId, () => purgeHistory(room, bound, { remoteOnly: !withLocal }).finally(() => purging.delete(room.nid)));
    },
    deleteRoomLater: async (admin, roomId, wish) => jobs.start(roomId, () => deleteRoom(admin, roomId, wish)),
    loadJob: (id) => {
      const job = jobs.find(id);
      if (job === undefined) throw notFound('Nothing is known by this id.');
      return job;
    },
    listJobs: jobs.listOfRoom,
    findBlock: (roomId) => findBlock(sql, roomId),
    setBlock: (admin, roomId, isBlocked) => setBlocked(sql, roomId, isBlocked ? admin.userNid : undefined),
    settled: jobs.settled,
  };
}
