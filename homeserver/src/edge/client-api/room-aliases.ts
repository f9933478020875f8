import { deleteRoomAlias, getLocalAliases, getRoomIdByAlias, setRoomAlias } from 'federation-spec/api/client/directory.ts';
import type { Aliases } from '../../domain/directory/aliases.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#room-aliases */
export function roomAliasRoutes(aliases: Aliases): Route[] {
  return [
    route(getRoomIdByAlias, async ({ params }) => {
      const { roomId, servers } = await aliases.resolve(params.roomAlias);
      return { room_id: roomId, servers };
    }),
    route(setRoomAlias, async ({ params, body, requester }) => {
      await aliases.set(requester, params.roomAlias, body.room_id);
      return {};
    }),
    route(deleteRoomAlias, async ({ params, requester }) => {
      await aliases.delete(requester, params.roomAlias);
      return {};
    }),
    route(getLocalAliases, async ({ params, requester }) => ({ aliases: await aliases.list(requester, params.roomId) })),
  ];
}
