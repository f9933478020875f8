import { createRoom } from 'federation-spec/api/client/rooms.ts';
import type { CreateRoomForUser } from '../../domain/rooms/create-room-for-user.ts';
import { type Route, route } from '../http/route.ts';
import { toThirdPartyAddress } from './third-party-address.ts';

/** https://spec.matrix.org/latest/client-server-api/#creation */
export function roomCreateRoutes(createRoomForUser: CreateRoomForUser, { serverName }: { serverName: string }): Route[] {
  return [
    route(createRoom, async ({ body, requester }) => {
      const roomId = await createRoomForUser(requester, {
        visibility: body.visibility,
        aliasName: body.room_alias_name,
        name: body.name,
        topic: body.topic,
        invite: body.invite,
        inviteByAddress: body.invite_3pid?.map(toThirdPartyAddress),
        version: body.room_version,
        creationContent: body.creation_content,
        initialState: body.initial_state?.map(({ type, state_key, content }) => ({ type, stateKey: state_key ?? '', content })),
        preset: body.preset,
        isDirect: body.is_direct,
        powerLevelOverride: body.power_level_content_override,
      });
      const alias = body.room_alias_name;
      return { room_id: roomId, ...(alias === undefined ? {} : { room_alias: `#${alias}:${serverName}` }) };
    }),
  ];
}
