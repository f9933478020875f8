import { getMutualRooms } from 'federation-spec/api/client/mutual-rooms.ts';
import type { ListMutualRooms } from '../../domain/rooms/mutual-rooms.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#mutual-rooms */
export function mutualRoomsRoute(listMutualRooms: ListMutualRooms): Route {
  return route(getMutualRooms, async ({ query, requester }) => {
    const { joined, count, nextBatch } = await listMutualRooms(requester, query.user_id, query.from);
    return { joined, count, ...(nextBatch === undefined ? {} : { next_batch: nextBatch }) };
  });
}
