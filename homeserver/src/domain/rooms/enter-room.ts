import { forbidden, notFound } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { findEvent, type StoredEvent } from '../../storage/events.ts';
import { findMembership } from '../../storage/memberships.ts';
import type { ListIgnored } from '../accounts/ignored-users.ts';
import type { HotRoom } from './hot-room.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { Reader } from './render-events.ts';
import type { RetentionPolicies } from './retention-policies.ts';
import type { RoomView, ViewRoom } from './visibility.ts';

export type RoomReader = Reader & { userId: string };

export type EnterRoom = {
  /** The room, and what of it the reader may see. Throws M_FORBIDDEN for those who never were in it, unless it is world-readable. */
  enter: (reader: RoomReader, roomId: string) => Promise<{ room: HotRoom; view: RoomView }>;
  /** An event of the room that the reader may see; throws M_NOT_FOUND. */
  findVisible: (room: HotRoom, view: RoomView, eventId: string) => Promise<StoredEvent>;
};

type Deps = {
  database: Database;
  rooms: HotRooms;
  viewRoom: ViewRoom;
  listIgnored: ListIgnored;
  retention: Pick<RetentionPolicies, 'isExpired' | 'lifetimeOf'>;
};

/** The door to reading a room. */
export function createEnterRoom({ database, rooms, viewRoom, listIgnored, retention }: Deps): EnterRoom {
  const { sql } = database;
  return {
    enter: async (reader, roomId) => {
      const room = await rooms.load(roomId);
      if (room === undefined) throw forbidden(`You are not in the room ${roomId}.`);
      const view = await viewRoom(room.nid, reader.userId);
      if (view.lastJoinedAt === undefined && !isWorldReadable(room)) throw forbidden(`You are not in the room ${roomId}.`);
      if (
        view.membership !== 'join' &&
        !isWorldReadable(room) &&
        (await findMembership(sql, room.nid, reader.userNid))?.forgotten === true
      ) {
        throw forbidden(`You have forgotten the room ${roomId}.`);
      }
      return { room, view: withoutExpired(withoutIgnored(view, (await listIgnored(reader.userNid)).nids), room, retention) };
    },
    findVisible: async (room, view, eventId) => {
      const event = room.ring.findLast((logged) => logged.row.eventId === eventId)?.row ?? (await findEvent(sql, eventId));
      const isShown = event !== undefined && event.roomNid === room.nid && (event.kind === 'timeline' || event.kind === 'backfilled');
      if (isShown) await view.learn([event]);
      if (!isShown || !view.maySee(event)) throw notFound(`The room has no event ${eventId} that you may see.`);
      return event;
    },
  };
}

/** Whom the reader ignores is not heard; what they did to the room is seen. https://spec.matrix.org/latest/client-server-api/#ignoring-users */
function withoutIgnored(view: RoomView, ignored: ReadonlySet<number>): RoomView {
  if (ignored.size === 0) return view;
  return { ...view, maySee: (event) => (event.keyNid !== null || !ignored.has(event.senderNid)) && view.maySee(event) };
}

/** What has had its time is shown to nobody. */
function withoutExpired(view: RoomView, { nid }: HotRoom, { isExpired, lifetimeOf }: Deps['retention']): RoomView {
  if (lifetimeOf(nid) === undefined) return view;
  return {
    ...view,
    maySee: (event) => {
      const { json, keyNid = null } = event;
      return (json === undefined || !isExpired({ roomNid: nid, keyNid, json })) && view.maySee(event);
    },
  };
}

/** Members read the state of now; who has left, that of when they left. */
export function stateAt(room: HotRoom, view: RoomView): { at?: number } {
  const { lastJoinedAt } = view;
  return view.membership === 'join' || isWorldReadable(room) || lastJoinedAt === undefined || !Number.isFinite(lastJoinedAt)
    ? {}
    : { at: lastJoinedAt };
}

function isWorldReadable(room: HotRoom): boolean {
  return room.find('m.room.history_visibility', '')?.content['history_visibility'] === 'world_readable';
}
