import { exchangeThirdPartyInvite } from 'federation-spec/api/server/invites.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import { serverNameOf } from 'federation-spec/identifiers/server-name.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import { forbidden, invalidParam } from '../../../platform/matrix-error.ts';
import type { HotRooms } from '../../rooms/hot-rooms.ts';
import type { ExchangeInvite, RedeemInvite } from '../../rooms/third-party/redeem-invite.ts';
import { INSISTING, type IsUnreachable } from '../circuit-breaker.ts';
import type { FederationClient } from '../federation-client.ts';
import { askCandidates } from './ask-candidates.ts';
import { loadRoomFor } from './make-membership.ts';

/** After so long no further server is asked. */
const PATIENCE_MS = 45_000;

type Deps = { client: FederationClient; isUnreachable: IsUnreachable; clock: Clock; logger: Logger; serverName: string };

/** Has the server of who invited make the invite; failing that, the one in the room's id. https://spec.matrix.org/latest/server-server-api/#third-party-invites */
export function createExchangeInvite({ client, isUnreachable, clock, logger, serverName }: Deps): ExchangeInvite {
  return async ({ roomId, sender, target, signed }) => {
    const servers = [serverNameOf(sender), serverNameOf(roomId)].filter((name) => name !== undefined && name !== serverName);
    const content = { membership: 'invite', third_party_invite: { display_name: '', signed: { ...signed } } };
    const body = { type: 'm.room.member', room_id: roomId, sender, state_key: target, content };
    await askCandidates([...new Set(servers as string[])], { logger, isUnreachable, clock, patienceMs: PATIENCE_MS }, async (server) => {
      await client.call(server, exchangeThirdPartyInvite, { params: { roomId }, body: body as never }, INSISTING); // the proof is as the identity server gave it
    });
  };
}

/** What another server asks us to make of an invite by address, for one of its users. */
export type AcceptExchange = (
  origin: string,
  roomId: string,
  event: {
    type: string;
    room_id: string;
    sender: string;
    state_key: string;
    content: { membership: string; third_party_invite: { signed: JsonObject } };
  },
) => Promise<void>;

/** Everything that the path, the signature and the event say must agree. */
export function createAcceptExchange({
  rooms,
  redeemHere,
  serverName,
}: Pick<RedeemInvite, 'redeemHere'> & { rooms: HotRooms; serverName: string }): AcceptExchange {
  return async (origin, roomId, { type, room_id: named, sender, state_key: target, content }) => {
    if (named !== roomId) throw invalidParam('The event is of another room than the path names');
    if (type !== 'm.room.member' || content.membership !== 'invite') throw invalidParam('The event is no invite');
    if (serverNameOf(target) !== origin) throw forbidden('The invited user is not one of your server');
    const room = await loadRoomFor(rooms, { roomId, origin, serverName, membership: 'invite' });
    if (serverNameOf(sender) !== serverName) throw forbidden('The user who invited is not one of this server');
    await redeemHere(room, { roomId, sender, target, signed: content.third_party_invite.signed });
  };
}
