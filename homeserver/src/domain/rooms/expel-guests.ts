import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { listJoinedGuests } from '../../storage/memberships.ts';
import type { Notifier } from '../streams/notifier.ts';
import type { HotRooms } from './hot-rooms.ts';
import { admitsGuests, type Memberships } from './membership.ts';

const GUEST_ACCESS = 'm.room.guest_access';

type Deps = { database: Database; notifier: Notifier; rooms: HotRooms; memberships: Memberships; logger: Logger };

/** When a room stops letting guests in, our guests leave it. Resolves `settled` when those on their way out are out. */
export function createExpelGuests({ database, notifier, rooms, memberships, logger }: Deps): { settled: () => Promise<void> } {
  let leaving: Promise<void> = Promise.resolve();

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
    for (const roomNid of changed) {
      leaving = leaving
        .then(() => expel(roomNid))
        .catch((error: unknown) => logger.error({ err: error }, 'guests could not be led out of a room'));
    }
  });
  return { settled: () => leaving };
}
