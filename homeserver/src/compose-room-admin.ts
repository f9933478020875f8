import { createDeleteRoom } from './domain/rooms/delete-room.ts';
import { createPurgeHistory } from './domain/rooms/purge-history.ts';
import { createRetention } from './domain/rooms/retention.ts';
import { createRoomAdmin } from './domain/rooms/room-admin.ts';
import { roomAdminRoutes } from './edge/admin-api/rooms.ts';

type Deps = Parameters<typeof createDeleteRoom>[0] &
  Omit<Parameters<typeof createRetention>[0], 'purgeHistory'> &
  Omit<Parameters<typeof createRoomAdmin>[0], 'purgeHistory' | 'deleteRoom'>;

/** What an admin, or a room's own rule, has deleted. */
export function composeRoomAdmin(deps: Deps) {
  const purgeHistory = createPurgeHistory(deps);
  const roomAdmin = createRoomAdmin({ ...deps, purgeHistory, deleteRoom: createDeleteRoom(deps) });
  const retention = createRetention({ ...deps, purgeHistory });
  const stop = async (): Promise<void> => {
    await retention.stop();
    await roomAdmin.settled();
  };
  return { routes: roomAdminRoutes(roomAdmin, deps.retention.settings), stop };
}
