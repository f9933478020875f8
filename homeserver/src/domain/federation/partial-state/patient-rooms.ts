import type { HotRooms } from '../../rooms/hot-rooms.ts';
import type { PartialRooms } from '../../rooms/partial-rooms.ts';

/** How long another server's question waits for a room to be whole; mostly that is a matter of moments. */
export const RESIDENT_WAIT_MS = 5_000;

/** The rooms, for questions that only a room whose members are all known can answer: they wait a little for it. */
export function createPatientRooms(rooms: HotRooms, partialRooms: Pick<PartialRooms, 'untilWhole'>): HotRooms {
  return {
    ...rooms,
    load: async (roomId) => {
      const room = await rooms.load(roomId);
      if (room === undefined || !room.isPartial) return room;
      await partialRooms.untilWhole(room, RESIDENT_WAIT_MS).catch(() => false); // whoever asked sees that it is not
      return await rooms.load(roomId);
    },
  };
}
