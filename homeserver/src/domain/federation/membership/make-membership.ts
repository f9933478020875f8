import type { EventTemplate } from 'federation-spec/api/schemas/pdus.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { forbidden, incompatibleRoomVersion, notFound, unableDueToPartialState } from '../../../platform/matrix-error.ts';
import { type HotRoom, MEMBER } from '../../rooms/hot-room.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import type { PrepareEvent } from '../../rooms/prepare-event.ts';
import { isServerAllowed } from '../../rooms/server-acl.ts';
import type { Vouch } from './vouch.ts';

export type MembershipQuestion = {
  origin: string;
  roomId: string;
  userId: string;
  membership: 'join' | 'leave' | 'knock';
  /** The room versions the other server knows; `undefined` when it was not asked to say. */
  versions: readonly string[] | undefined;
};

/** The template of a membership event that the other server may complete and sign. */
export type MakeMembership = (question: MembershipQuestion) => Promise<EventTemplate>;

type Deps = { rooms: HotRooms; prepareEvent: PrepareEvent; vouch: Pick<Vouch, 'find'>; serverName: string };

/** The resident's part of joining, leaving and knocking. https://spec.matrix.org/latest/server-server-api/#get_matrixfederationv1make_joinroomiduserid */
export function createMakeMembership({ rooms, prepareEvent, vouch, serverName }: Deps): MakeMembership {
  return async ({ origin, roomId, userId, membership, versions }) => {
    const room = await loadRoomFor(rooms, { roomId, origin, serverName, membership });
    if (serverNameOf(userId) !== origin) throw forbidden(`${userId} is not a user of ${origin}`);
    if (versions !== undefined && !versions.includes(room.version)) throw incompatibleRoomVersion(room.version);

    await rooms.ensureMembers(room, [userId]);
    // Who is not known yet to be in the room may be.
    if (room.isPartial && room.find(MEMBER, userId) === undefined) throw unableDueToPartialState(404);
    const voucher = membership === 'join' ? await vouch.find(room, userId) : {};
    const draft = { type: MEMBER, stateKey: userId, sender: userId, content: { ...voucher, membership } };
    const { event } = await room.turns.take(() => prepareEvent(room, draft, 'template'));
    // Whose event it is signs it: our signature, and the hash of a form that will still change, are of no use there.
    const { hashes: _hashes, signatures: _signatures, ...template } = event;
    return { room_version: room.version, event: template };
  };
}

/** The room, when this server is in it and lets the other server take part. What it does not know and what it does not show look the same. */
export async function loadRoomFor(
  rooms: HotRooms,
  { roomId, origin, serverName, membership }: { roomId: string; origin: string; serverName: string; membership: string },
): Promise<HotRoom> {
  const room = await rooms.load(roomId);
  if (room?.joinedServers.has(serverName) !== true) throw notFound('This server is not in the room');
  if (!isServerAllowed(room, origin)) throw forbidden('The room does not allow your server');
  if (room.isPartial && membership !== 'leave') throw unableDueToPartialState(404);
  return room;
}
