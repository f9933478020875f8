import * as api from 'federation-spec/api/client/membership.ts';
import { readList } from 'federation-spec/api/schemas/query.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { ResolveAlias } from '../../domain/directory/aliases.ts';
import type { Memberships } from '../../domain/rooms/membership.ts';
import { threepidDenied } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

type Deps = { memberships: Memberships; resolveAlias: ResolveAlias };

/** https://spec.matrix.org/latest/client-server-api/#room-membership */
export function roomMembershipRoutes({ memberships, resolveAlias }: Deps): Route[] {
  /** Where a room is to be found: the servers named, those that the alias names, the one in the room id. */
  async function locate(roomIdOrAlias: string, via: string[]): Promise<{ roomId: string; via: string[] }> {
    if (roomIdOrAlias.startsWith('#')) {
      const { roomId, servers } = await resolveAlias(roomIdOrAlias);
      return { roomId, via: [...new Set([...via, ...servers])] };
    }
    const own = serverNameOf(roomIdOrAlias);
    return { roomId: roomIdOrAlias, via: own === undefined || via.includes(own) ? via : [...via, own] };
  }

  return [
    route(api.joinRoom, async ({ params, query, body, requester }) => {
      const place = await locate(params.roomIdOrAlias, [...readList(query.via), ...legacyServers(query)]);
      await memberships.join(requester, { ...place, reason: body.reason });
      return { room_id: place.roomId };
    }),
    route(api.joinRoomById, async ({ params, body, requester }) => {
      const place = await locate(params.roomId, []);
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
      if (!('user_id' in body))
        throw threepidDenied('This server knows no identity server to invite e-mail addresses by; invite a user id.');
      await memberships.invite(requester, { roomId: params.roomId, target: body.user_id, reason: body.reason });
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
