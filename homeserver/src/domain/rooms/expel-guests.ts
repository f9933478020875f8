import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { listJoinedGuests, listRoomsWithGuests } from '../../storage/memberships.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { HotRooms } from './hot-rooms.ts';
import { admitsGuests, type Memberships } from './membership.ts';

const GUEST_ACCESS = 'm.room.guest_access';

type Deps = { database: Database; notifier: Notifier; rooms: HotRooms; memberships: Memberships; logger: Logger };

export type ExpelGuests = {
  /** Leads out those whose rooms stopped letting guests in when it could not be seen to, such as right before a crash. */
  resume: () => void;
  /** Resolves when those on their way out are out. */
  settled: () => Promise<void>;
};

/** When a room stops letting guests in, our guests leave it. */
export function createExpelGuests({ database, notifier, rooms, memberships, logger }: Deps): ExpelGuests {
  let leaving: Promise<void> = Promise.resolve();

  function afterOthers(work: () => Promise<void>): void {
    leaving = leaving.then(work).catch((error: unknown) => logger.error({ err: error }, 'guests could not be led out of a room'));
  }

  async function expel(roomNid: number): Promise<void> {
    const room = await rooms.loadByNid(roomNid);
    if (room === undefined || admitsGuests(room)) return;
    for (const guest of await listJoinedGuests(database.sql, roomNid)) {
      await memberships.leave(guest, { roomId: room.roomId }).catch((error: unknown) => {
        logger.warn({ err: error, roomId: room.roomId, userId: guest.userId }, 'a guest could not be led out of a room');
      });
    }
  }

  notifier.onCommit(({ events }) => {
    const changed = new Set(events.filter(({ row }) => row.type === GUEST_ACCESS).map(({ row }) => row.roomNid));
    for (const roomNid of changed) afterOthers(() => expel(roomNid));
  });
  return {
    resume: () =>
      afterOthers(async () => {
        for (const roomNid of await listRoomsWithGuests(database.sql)) await expel(roomNid);
      }),
    settled: () => leaving,
  };
}
