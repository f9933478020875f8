import { decodeBase64, decodeBase64Url } from 'federation-spec/encoding/base64.ts';
import { isJsonObject, type JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import { listSigningKeyIds, verifyJson } from 'federation-spec/signing/sign-json.ts';
import { forbidden } from '../../../platform/matrix-error.ts';
import { type HotRoom, MEMBER } from '../hot-room.ts';
import type { HotRooms } from '../hot-rooms.ts';
import type { Interner } from '../interner.ts';
import type { InviteUser } from '../invite-user.ts';
import type { SendEvent } from '../send-event.ts';
import type { IdentityServers } from './identity-servers.ts';

const INVITE = 'm.room.third_party_invite';
const MAX_KEYS = 10;

/** An invite by address whose addressee has proved, by the identity server's signature over `signed`, who they are. */
export type ProvenInvite = { roomId: string; sender: string; target: string; signed: JsonObject };

/** Asks a server of the room to make the invite, when this one is not in it. Throws what the user should know. */
export type ExchangeInvite = (invite: ProvenInvite) => Promise<void>;

export type RedeemInvite = {
  /** Makes the user a member by invitation; other servers are asked when the room is not here. */
  redeem: ExchangeInvite;
  /** The same in a room that this server is in. Throws M_FORBIDDEN, M_UNKNOWN (502). */
  redeemHere: (room: HotRoom, invite: ProvenInvite) => Promise<void>;
};

type Deps = {
  rooms: HotRooms;
  interner: Interner;
  sendEvent: SendEvent;
  inviteUser: InviteUser;
  identity: IdentityServers;
  exchangeInvite: ExchangeInvite;
  serverName: string;
};

/**
 * The room's `m.room.third_party_invite` of the token says by which keys the proof must be signed; one that was taken back has none. Whether
 * the key is still good, its own server is asked. The auth rules check the rest.
 *
 * https://spec.matrix.org/latest/client-server-api/#third-party-invites, https://spec.matrix.org/latest/server-server-api/#verifying-the-invite
 */
export function createRedeemInvite({ rooms, interner, sendEvent, inviteUser, identity, exchangeInvite, serverName }: Deps): RedeemInvite {
  async function redeemHere(room: HotRoom, { sender, target, signed }: ProvenInvite): Promise<void> {
    await rooms.ensureMembers(room, [target]);
    const current = room.find(MEMBER, target)?.content['membership'];
    if (current === 'join' || current === 'invite') return;
    const { token } = signed;
    const invite = typeof token === 'string' ? room.find(INVITE, token) : undefined;
    if (invite === undefined) throw forbidden('The room knows no such invite.');
    await checkKey(invite.content, signed);
    const displayName = invite.content['display_name'];
    const content: JsonObject = {
      membership: 'invite',
      third_party_invite: { ...(typeof displayName === 'string' ? { display_name: displayName } : {}), signed },
    };
    const senderNid = await interner.userNid(sender);
    const isLocal = serverNameOf(target) === serverName;
    if (isLocal) await sendEvent({ roomId: room.roomId, sender, senderNid, type: MEMBER, stateKey: target, content });
    else await inviteUser(room, { sender, senderNid, target, content });
  }

  async function checkKey(content: JsonObject, signed: JsonObject): Promise<void> {
    for (const { publicKey, validityUrl } of listKeys(content)) {
      if (!(await isSignedWith(signed, publicKey))) continue;
      if (validityUrl === undefined || (await identity.isKeyValid(validityUrl, publicKey))) return;
      throw forbidden('The key that proves whose invite it is has been withdrawn.');
    }
    throw forbidden('Nobody whom the room believes has proved whose invite it is.');
  }

  return {
    redeemHere,
    redeem: async (invite) => {
      const room = await rooms.load(invite.roomId);
      if (room?.joinedServers.has(serverName) === true) await redeemHere(room, invite);
      else await exchangeInvite(invite);
    },
  };
}

function listKeys(content: JsonObject): { publicKey: string; validityUrl: string | undefined }[] {
  const more = content['public_keys'];
  return [content, ...(Array.isArray(more) ? more : [])].slice(0, MAX_KEYS).flatMap((entry) => {
    const { public_key: publicKey, key_validity_url: url } = isJsonObject(entry) ? entry : {};
    return typeof publicKey === 'string' ? [{ publicKey, validityUrl: typeof url === 'string' && url !== '' ? url : undefined }] : [];
  });
}

async function isSignedWith(signed: JsonObject, text: string): Promise<boolean> {
  const publicKey = decodeBase64(text) ?? decodeBase64Url(text);
  if (publicKey === undefined || !isJsonObject(signed['signatures'])) return false;
  for (const serverName of Object.keys(signed['signatures']).slice(0, MAX_KEYS)) {
    for (const keyId of listSigningKeyIds(signed, serverName).slice(0, MAX_KEYS)) {
      if (await verifyJson(signed, { serverName, keyId, publicKey })) return true;
    }
  }
  return false;
}
