import type { StrippedStateEvent } from 'federation-spec/api/schemas/events.ts';
import type { Database } from '../../storage/database.ts';
import { listEventsByNid } from '../../storage/events.ts';
import type { UserMembership } from '../../storage/memberships.ts';
import type { HotRooms } from '../rooms/hot-rooms.ts';
import { stripEvent } from '../rooms/strip-event.ts';

/** What someone who is invited, or knocks, is shown of a room. https://spec.matrix.org/latest/client-server-api/#stripped-state */
const SHOWN_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
];

export type StripRoom = (membership: UserMembership) => Promise<StrippedStateEvent[]>;

/** Of a room we are in, from its state; of others, what the invite itself brought. */
export function createStripRoom({ database, rooms }: { database: Database; rooms: HotRooms }): StripRoom {
  return async function stripRoom({ roomNid, roomId, eventNid, strippedState }) {
    if (strippedState !== null) return JSON.parse(strippedState);
    const room = await rooms.loadByNid(roomNid);
    if (room === undefined || room.roomId !== roomId) return [];
    const shown = SHOWN_TYPES.flatMap((type) => room.find(type, '') ?? []).map((event) => stripEvent(event));
    const [own] = eventNid === null ? [] : await listEventsByNid(database.sql, [eventNid]);
    return own === undefined ? shown : [...shown, stripEvent(JSON.parse(own.json))];
  };
}
