import { namedPowerLevel, powerLevelOf } from 'federation-spec/auth-rules/power-levels.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { badGateway, forbidden } from '../../../platform/matrix-error.ts';
import type { HotRoom } from '../hot-room.ts';
import type { HotRooms } from '../hot-rooms.ts';
import type { FindProfile, Memberships } from '../membership.ts';
import type { SendEvent } from '../send-event.ts';
import type { IdentityServers, ThirdPartyAddress } from './identity-servers.ts';

type Actor = { userId: string; userNid: number };

/** Invites whoever owns an e-mail address or phone number. Throws M_FORBIDDEN, and M_UNKNOWN (502) for a silent identity server. */
export type InviteByAddress = (
  actor: Actor,
  invite: { roomId: string; address: ThirdPartyAddress; reason?: string | undefined },
) => Promise<void>;

type Deps = {
  rooms: HotRooms;
  memberships: Pick<Memberships, 'invite' | 'membershipOf'>;
  sendEvent: SendEvent;
  findProfile: FindProfile;
  identity: IdentityServers;
};

/**
 * 1. Who may not invite is refused before anybody else is asked. 2. An address that belongs to somebody is an invite like any other.
 * 3. Otherwise the identity server keeps the invite, and the room remembers by which key its proof will be signed.
 *
 * https://spec.matrix.org/latest/client-server-api/#third-party-invites
 */
export function createInviteByAddress({ rooms, memberships, sendEvent, findProfile, identity }: Deps): InviteByAddress {
  async function loadRoom({ userId }: Actor, roomId: string): Promise<HotRoom> {
    const room = await rooms.load(roomId);
    if (room === undefined || (await memberships.membershipOf(room, userId)) !== 'join')
      throw forbidden(`You are not in the room ${roomId}.`);
    if (powerLevelOf(userId, room, room.rules) < namedPowerLevel('invite', room, room.rules)) throw forbidden('You may not invite here.');
    return room;
  }

  return async function inviteByAddress(actor, { roomId, address, reason }) {
    const room = await loadRoom(actor, roomId); // 1
    const known = await identity.lookup(address); // 2
    if (known !== undefined) {
      if (parseUserId(known) === undefined) throw badGateway(`${address.idServer} gave what is no user id.`);
      return await memberships.invite(actor, { roomId, target: known, reason });
    }
    const about = { room_id: roomId, sender: actor.userId, ...describe(room), ...nameOf(await findProfile(actor.userId)) }; // 3
    const { token, displayName, publicKeys } = await identity.storeInvite(address, about);
    const [first] = publicKeys;
    const content: JsonObject = {
      display_name: displayName,
      public_keys: publicKeys,
      public_key: first?.public_key ?? '',
      key_validity_url: first?.key_validity_url ?? '',
    };
    await sendEvent({
      roomId,
      sender: actor.userId,
      senderNid: actor.userNid,
      type: 'm.room.third_party_invite',
      stateKey: token,
      content,
    });
  };
}

/** What the mail to the invited may say of the room. */
function describe(room: HotRoom): JsonObject {
  const texts: [string, string, string][] = [
    ['room_name', 'm.room.name', 'name'],
    ['room_avatar_url', 'm.room.avatar', 'url'],
    ['room_join_rules', 'm.room.join_rules', 'join_rule'],
    ['room_alias', 'm.room.canonical_alias', 'alias'],
    ['room_type', 'm.room.create', 'type'],
  ];
  const found = texts.map(([name, type, key]) => [name, room.find(type, '')?.content[key]] as const);
  return Object.fromEntries(found.filter(([, value]) => typeof value === 'string')) as JsonObject;
}

function nameOf({ displayname, avatar_url }: JsonObject): JsonObject {
  return {
    ...(typeof displayname === 'string' ? { sender_display_name: displayname } : {}),
    ...(typeof avatar_url === 'string' ? { sender_avatar_url: avatar_url } : {}),
  };
}
