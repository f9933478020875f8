import { checkEventFormat } from 'federation-spec/events/check-event-format.ts';
import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { roomIdOf } from 'federation-spec/events/room-id-of.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { addEventSignature } from 'federation-spec/signing/sign-event.ts';
import type { Signer } from 'federation-spec/signing/sign-json.ts';
import { forbidden, incompatibleRoomVersion, invalidParam, missingParam } from '../../../platform/matrix-error.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import type { Interner } from '../../rooms/interner.ts';
import { checkPdu } from '../../rooms/receive-pdu/check-pdu.ts';
import type { FindServerKey } from '../../rooms/receive-pdu/room-peers.ts';
import { listStripped, type RemoteStanding, stripPdu } from '../../rooms/remote-standing.ts';
import { isServerAllowed } from '../../rooms/server-acl.ts';

export type ReceivedInvite = {
  origin: string;
  roomId: string;
  eventId: string;
  roomVersion: string;
  event: JsonObject;
  inviteRoomState: readonly JsonObject[];
};

/** Resolves with the invite as both servers have signed it. */
export type ReceiveInvite = (invite: ReceivedInvite) => Promise<Pdu>;

type Deps = {
  rooms: HotRooms;
  interner: Interner;
  standing: RemoteStanding;
  findServerKey: FindServerKey;
  signer: Signer;
  /** Whether a user of this server has an account that may be invited. */
  mayBeInvited: (userId: string) => Promise<boolean>;
};

/**
 * Takes an invite of one of our users. We sign nothing but a well-formed invite of a local account, in the room and under the id that the
 * request names, sent and signed by the inviter's own server.
 *
 * https://spec.matrix.org/latest/server-server-api/#inviting-to-a-room
 */
export function createReceiveInvite({ rooms, interner, standing, findServerKey, signer, mayBeInvited }: Deps): ReceiveInvite {
  return async (invite) => {
    const { origin, roomId, eventId, roomVersion } = invite;
    const rules = roomVersionRules(roomVersion);
    if (rules === undefined) throw incompatibleRoomVersion(roomVersion);
    const check = await checkPdu(invite.event, { roomId, rules }, findServerKey);
    if (!check.ok) throw invalidParam(`The invite was refused: ${check.reason}`);
    const { event } = check.pdu;
    if (check.pdu.eventId !== eventId) throw invalidParam('The event has another id than the path names');
    if (event.type !== 'm.room.member' || event.content['membership'] !== 'invite') throw invalidParam('The event is no invite');
    if (serverNameOf(event.sender) !== origin) throw forbidden('An invite must come from the server of who invites');
    const target = event.state_key ?? '';
    if (serverNameOf(target) !== signer.serverName) throw invalidParam('The invited user is not one of this server');
    if (!(await mayBeInvited(target))) throw forbidden('The user cannot be invited');
    checkRoomState(invite, rules);

    const signed = await addEventSignature(event, rules, signer);
    const room = await rooms.load(roomId);
    if (room?.joinedServers.has(signer.serverName) === true) {
      if (!isServerAllowed(room, origin)) throw forbidden('The room does not allow your server');
      return signed; // The event itself comes as part of the room.
    }
    const own = { ...stripPdu(signed), event_id: eventId, origin_server_ts: signed.origin_server_ts };
    const strippedState = [...listStripped(invite.inviteRoomState), own];
    await standing.set({
      roomId,
      version: roomVersion,
      userNid: await interner.userNid(target),
      membership: 'invite',
      strippedState,
      source: { event_id: eventId, origin_server_ts: event.origin_server_ts },
    });
    return signed;
  };
}

/** From room version 12 on the state must prove which room it is; older versions are taken as they are still sent. */
function checkRoomState({ roomId, inviteRoomState }: ReceivedInvite, rules: RoomVersionRules): void {
  if (!rules.createEventIdIsRoomId) return;
  const create = inviteRoomState.find((event) => event['type'] === 'm.room.create' && event['state_key'] === '');
  if (create === undefined) throw missingParam('invite_room_state needs the m.room.create event');
  const format = checkEventFormat(create, rules);
  if (!format.allowed) throw invalidParam(`The m.room.create event is malformed: ${format.reason}`);
  const pdu = create as unknown as Pdu; // its format was checked above
  if (roomIdOf(pdu, rules) !== roomId) throw invalidParam('The m.room.create event is of another room');
}
