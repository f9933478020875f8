import * as api from 'federation-spec/api/client/membership.ts';
import { readList } from 'federation-spec/api/schemas/query.ts';
import type { ThirdPartySigned } from 'federation-spec/api/schemas/third-party-identifiers.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { ResolveAlias } from '../../domain/directory/aliases.ts';
import type { Memberships } from '../../domain/rooms/membership.ts';
import type { InviteByAddress } from '../../domain/rooms/third-party/invite-by-address.ts';
import type { RedeemInvite } from '../../domain/rooms/third-party/redeem-invite.ts';
import { type Route, route } from '../http/route.ts';
import { toThirdPartyAddress } from './third-party-address.ts';

type Deps = { memberships: Memberships; inviteByAddress: InviteByAddress; redeem: RedeemInvite['redeem']; resolveAlias: ResolveAlias };

/** https://spec.matrix.org/latest/client-server-api/#room-membership */
export function roomMembershipRoutes({ memberships, inviteByAddress, redeem, resolveAlias }: Deps): Route[] {
  /** Where a room is to be found: the servers named, those that the alias names, the one in the room id. */
  async function locate(roomIdOrAlias: string, via: string[]): Promise<{ roomId: string; via: string[] }> {
    if (roomIdOrAlias.startsWith('#')) {
      const { roomId, servers } = await resolveAlias(roomIdOrAlias);
      return { roomId, via: [...new Set([...via, ...servers])] };
    }
    const own = serverNameOf(roomIdOrAlias);
    return { roomId: roomIdOrAlias, via: own === undefined || via.includes(own) ? via : [...via, own] };
  }

  /** Who joins with a proof that an invite by address was theirs is invited by it first. */
  async function prove(roomId: string, target: string, signed: ThirdPartySigned | undefined): Promise<void> {
    if (signed !== undefined) await redeem({ roomId, sender: signed.sender, target, signed: { ...signed } });
  }

  return [
    route(api.joinRoom, async ({ params, query, body, requester }) => {
      const place = await locate(params.roomIdOrAlias, [...readList(query.via), ...legacyServers(query)]);
      await prove(place.roomId, requester.userId, body.third_party_signed);
      await memberships.join(requester, { ...place, reason: body.reason });
      return { room_id: place.roomId };
    }),
    route(api.joinRoomById, async ({ params, body, requester }) => {
      const place = await locate(params.roomId, []);
      await prove(place.roomId, requester.userId, body.third_party_signed);
      await memberships.join(requester, { ...place, reason: body.reason });
      return { room_id: place.roomId };
    }),
    route(api.knockRoom, async ({ params, query, body, requester }) => {
      const place = await locate(params.roomIdOrAlias, [...readList(query.via), ...legacyServers(query)]);
      await memberships.knock(requester, { ...place, reason: body.reason });
      return { room_id: place.roomId };
    }),
    route(api.leaveRoom, async ({ params, body, requester }) => {
      await memberships.leave(requester, { roomId: params.roomId, reason: body.reason });
      return {};
    }),
    route(api.forgetRoom, async ({ params, requester }) => {
      await memberships.forget(requester, params.roomId);
      return {};
    }),
    route(api.inviteUser, async ({ params, body, requester }) => {
      const { roomId } = params;
      if ('user_id' in body) await memberships.invite(requester, { roomId, target: body.user_id, reason: body.reason });
      else await inviteByAddress(requester, { roomId, address: toThirdPartyAddress(body) });
      return {};
    }),
    route(api.kick, async ({ params, body, requester }) => {
      await memberships.kick(requester, { roomId: params.roomId, target: body.user_id, reason: body.reason });
      return {};
    }),
    route(api.ban, async ({ params, body, requester }) => {
      await memberships.ban(requester, { roomId: params.roomId, target: body.user_id, reason: body.reason });
      return {};
    }),
    route(api.unban, async ({ params, body, requester }) => {
      await memberships.unban(requester, { roomId: params.roomId, target: body.user_id, reason: body.reason });
      return {};
    }),
  ];
}

/** Clients older than version 1.12 say `server_name` for `via`. */
function legacyServers(query: Readonly<Record<string, unknown>>): string[] {
  const given = query['server_name'];
  if (typeof given === 'string') return [given];
  return Array.isArray(given) ? given.filter((server) => typeof server === 'string') : [];
}
