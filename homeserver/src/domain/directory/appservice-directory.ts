import { notFound } from '../../platform/matrix-error.ts';
import { setPublishedByAppservice } from '../../storage/appservice-directory.ts';
import type { Database } from '../../storage/database.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';

/** Lists a room in the directory of a service's network, or takes it out. @throws M_NOT_FOUND for a room this server does not know */
export type ListByAppservice = (listing: { appserviceNid: number; networkId: string; roomId: string; isListed: boolean }) => Promise<void>;

/** https://spec.matrix.org/latest/application-service-api/#published-room-directories */
export function createListByAppservice({ database, rooms }: { database: Database; rooms: HotRooms }): ListByAppservice {
  return async ({ appserviceNid, networkId, roomId, isListed }) => {
    const room = await rooms.load(roomId);
    if (room === undefined) throw notFound(`This server does not know the room ${roomId}.`);
    await setPublishedByAppservice(database.sql, { appserviceNid, networkId, roomNid: room.nid }, isListed);
  };
}
