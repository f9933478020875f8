import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import type { Database } from '../../../storage/database.ts';
import { listEventsByNid } from '../../../storage/events.ts';
import type { UserMembership } from '../../../storage/memberships.ts';
import { MEMBER } from '../../rooms/hot-room.ts';
import type { RenderEvents } from '../../rooms/render-events.ts';
import type { SyncDevice } from '../sources.ts';
import type { StripRooms } from '../strip-rooms.ts';
import type { OldEvent } from './old-event.ts';
import { toOldEvent } from './old-event.ts';

/** The event of an invite or a knock as a room event, with what is told of the room inside it; undefined when only its stripped form is known. */
export type TellInvite = (device: SyncDevice, membership: UserMembership) => Promise<OldEvent | undefined>;

type Deps = { database: Database; stripRooms: StripRooms; renderEvents: RenderEvents };

export function createTellInvite({ database, stripRooms, renderEvents }: Deps): TellInvite {
  return async function tellInvite(device, membership) {
    const { roomNid, roomId, eventNid } = membership;
    const stripped: readonly JsonObject[] = (await stripRooms([membership])).get(roomNid) ?? [];
    const isOwn = (event: JsonObject) => event['type'] === MEMBER && event['state_key'] === device.userId;
    const shown = { invite_room_state: stripped.filter((event) => !isOwn(event)) };

    const stored = eventNid === null ? [] : await listEventsByNid(database.sql, [eventNid]);
    const [event] = await renderEvents(stored, { roomId, reader: device });
    if (event !== undefined) return toOldEvent({ ...event, unsigned: { ...event.unsigned, ...shown } });

    const own = stripped.findLast(isOwn);
    const { event_id, origin_server_ts, sender, type, state_key, content } = own ?? {};
    const isWhole = typeof event_id === 'string' && typeof origin_server_ts === 'number' && typeof sender === 'string';
    if (!isWhole || typeof type !== 'string' || typeof state_key !== 'string' || !isJsonObject(content)) return undefined;
    return toOldEvent({ room_id: roomId, event_id, origin_server_ts, sender, type, state_key, content, unsigned: shown });
  };
}
