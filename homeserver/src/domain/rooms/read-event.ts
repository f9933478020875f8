import { MatrixError, notFound } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { findEvent } from '../../storage/events.ts';
import type { EnterRoom, RoomReader } from './enter-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { ClientEvent, RenderEvents } from './render-events.ts';

/** An event by its id alone. Throws M_NOT_FOUND, alike for those that are not there and those that the reader may not see. */
export type ReadEvent = (reader: RoomReader, eventId: string) => Promise<ClientEvent>;

type Deps = { database: Database; rooms: HotRooms; enterRoom: EnterRoom; renderEvents: RenderEvents };

/** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3eventseventid */
export function createReadEvent({ database, rooms, enterRoom, renderEvents }: Deps): ReadEvent {
  return async function readEvent(reader, eventId) {
    const absent = notFound(`There is no event ${eventId} that you may see.`);
    const stored = await findEvent(database.sql, eventId);
    const roomId = stored === undefined ? undefined : (await rooms.loadByNid(stored.roomNid))?.roomId;
    if (roomId === undefined) throw absent;
    try {
      const { room, view } = await enterRoom.enter(reader, roomId);
      const [event] = await renderEvents([await enterRoom.findVisible(room, view, eventId)], {
        roomId,
        reader,
        membershipAt: view.membershipAt,
      });
      if (event === undefined) throw new Error('an event was lost while it was rendered');
      return event;
    } catch (error) {
      throw error instanceof MatrixError ? absent : error;
    }
  };
}
