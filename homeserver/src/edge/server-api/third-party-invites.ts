import { exchangeThirdPartyInvite, onBindThirdPartyIdentifier } from 'federation-spec/api/server/invites.ts';
import type { AcceptExchange } from '../../domain/federation/membership/exchange-invite.ts';
import type { ReceiveBinding } from '../../domain/federation/membership/receive-binding.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/server-server-api/#third-party-invites */
export function serverThirdPartyInviteRoutes(deps: { acceptExchange: AcceptExchange; receiveBinding: ReceiveBinding }): Route[] {
  return [
    route(exchangeThirdPartyInvite, async ({ params, body, origin }) => {
      const { third_party_invite: claim, ...content } = body.content;
      await deps.acceptExchange(origin, params.roomId, {
        ...body,
        content: { ...content, third_party_invite: { signed: { ...claim.signed } } },
      });
      return {};
    }),
    route(onBindThirdPartyIdentifier, async ({ body }) => {
      const invites = body.invites.map((invite) => ({
        roomId: invite.room_id,
        sender: invite.sender,
        target: invite.mxid,
        signed: { ...invite.signed },
      }));
      await deps.receiveBinding(body.mxid, invites);
      return {};
    }),
  ];
}
