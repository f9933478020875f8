import { readEvent } from 'federation-spec/events/check-event-format.ts';
import type { JsonObject, Pdu } from 'federation-spec/events/event.ts';
import { roomIdOf } from 'federation-spec/events/room-id-of.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { type RoomVersionRules, roomVersionRules } from 'federation-spec/room-versions/room-versions.ts';
import { addEventSignature } from 'federation-spec/signing/sign-event.ts';
import type { Signer } from 'federation-spec/signing/sign-json.ts';
import { badJson, forbidden, incompatibleRoomVersion, invalidParam, missingParam } from '../../../platform/matrix-error.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import type { Interner } from '../../rooms/interner.ts';
import type { InvitePermission } from '../../rooms/invite-permission.ts';
import { checkPdu } from '../../rooms/receive-pdu/check-pdu.ts';
import { askedBy, type FindServerKey } from '../../rooms/receive-pdu/room-peers.ts';
import { listStripped, type RemoteStanding, stripPdu } from '../../rooms/remote-standing.ts';
import { isServerAllowed } from '../../rooms/server-acl.ts';

/** Most events that are looked at of what an invite shows of its room. */
const MAX_ROOM_STATE = 50;

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
  invitePermission: Pick<InvitePermission, 'check'>;
};

/**
 * Takes an invite of one of our users. We sign nothing but a well-formed invite of a local account, in the room and under the id that the
 * request names, sent and signed by the inviter's own server.
 *
 * https://spec.matrix.org/latest/server-server-api/#inviting-to-a-room
 */
export function createReceiveInvite(deps: Deps): ReceiveInvite {
  const { rooms, interner, standing, findServerKey, signer, mayBeInvited, invitePermission } = deps;
  const checkRoomState = createCheckRoomState(findServerKey);
  return async (invite) => {
    const { origin, roomId, eventId, roomVersion } = invite;
    const rules = roomVersionRules(roomVersion);
    if (rules === undefined) throw incompatibleRoomVersion(roomVersion);
    const format = readEvent(invite.event, rules);
    if (!format.ok) throw badJson(`The invite is malformed: ${format.reason}`);
    if (roomIdOf(format.event, rules) !== roomId) throw invalidParam('The event is of another room than the path names');
    const check = await checkPdu(format.event, { roomId, rules }, askedBy(origin, findServerKey));
    if (!check.ok) throw forbidden(`The invite was refused: ${check.reason}`);
    const { event } = check.pdu;
    if (check.pdu.eventId !== eventId) throw invalidParam('The event has another id than the path names');
    if (event.type !== 'm.room.member' || event.content['membership'] !== 'invite') throw invalidParam('The event is no invite');
    if (serverNameOf(event.sender) !== origin) throw invalidParam('An invite must come from the server of who invites');
    const target = event.state_key ?? '';
    if (serverNameOf(target) !== signer.serverName) throw invalidParam('The invited user is not one of this server');
    if (!(await mayBeInvited(target))) throw forbidden('The user cannot be invited');
    await invitePermission.check(target, event.sender, roomId);
    const shownState = await checkRoomState(invite, rules);

    const signed = await addEventSignature(event, rules, signer);
    const room = await rooms.load(roomId);
    if (room?.joinedServers.has(signer.serverName) === true) {
      if (!isServerAllowed(room, origin)) throw forbidden('The room does not allow your server');
      return signed; // The event itself comes as part of the room.
    }
    const own = { ...stripPdu(signed), event_id: eventId, origin_server_ts: signed.origin_server_ts };
    const strippedState = [...listStripped(shownState), own];
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

/** Room state that came with an invite or the answer to a knock, as it may be shown. */
type CheckRoomState = (
  invite: Pick<ReceivedInvite, 'origin' | 'roomId' | 'inviteRoomState'>,
  rules: RoomVersionRules,
) => Promise<readonly JsonObject[]>;

/**
 * From room version 12 on the state should prove which room it is: whole events of the room, among them its create event, signed. What
 * nobody is seen to have signed is left out. Stripped events, which servers in use send of any version, are taken as they come: they are
 * shown to the person invited, and nothing is built on them.
 */
function createCheckRoomState(findServerKey: FindServerKey): CheckRoomState {
  return async ({ origin, roomId, inviteRoomState }, rules) => {
    if (!rules.createEventIdIsRoomId) return inviteRoomState;
    const isCreate = (event: JsonObject) => event['type'] === 'm.room.create' && event['state_key'] === '';
    if (!inviteRoomState.some(isCreate)) throw missingParam('invite_room_state needs the m.room.create event');
    const shown: JsonObject[] = [];
    for (const event of inviteRoomState.slice(0, MAX_ROOM_STATE)) {
      if (isStripped(event)) {
        shown.push(event);
        continue;
      }
      const read = readEvent(event, rules);
      if (!read.ok) throw invalidParam(`invite_room_state holds a malformed event: ${read.reason}`);
      if (roomIdOf(read.event, rules) !== roomId) throw invalidParam('invite_room_state holds an event of another room');
      const check = await checkPdu(read.event, { roomId, rules }, askedBy(origin, findServerKey));
      if (check.ok) shown.push({ ...check.pdu.event });
      else if (isCreate(event)) throw invalidParam(`The m.room.create event of invite_room_state is not good: ${check.reason}`);
    }
    return shown;
  };
}

/** A whole event has hashes and signatures. */
function isStripped(event: JsonObject): boolean {
  return !Object.hasOwn(event, 'signatures') && !Object.hasOwn(event, 'hashes');
}
