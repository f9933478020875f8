import { upgradeRoom as upgradeRoomEndpoint } from 'federation-spec/api/client/rooms.ts';
import type { UpgradeRoom } from '../../domain/rooms/upgrade-room.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#room-upgrades */
export function roomUpgradeRoute(upgradeRoom: UpgradeRoom): Route {
  return route(upgradeRoomEndpoint, async ({ params, body, requester }) => {
    const wish = { roomId: params.roomId, newVersion: body.new_version, additionalCreators: body.additional_creators };
    return { replacement_room: await upgradeRoom(requester, wish) };
  });
}
