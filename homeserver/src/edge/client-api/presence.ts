import { getPresence, setPresence } from 'federation-spec/api/client/presence.ts';
import type { Presence } from '../../domain/ephemeral/presence.ts';
import { forbidden } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#presence */
export function presenceRoutes(presence: Presence): Route[] {
  return [
    route(getPresence, async ({ params, requester }) => await presence.find(requester, params.userId)),
    route(setPresence, async ({ params: { userId }, body, requester }) => {
      if (userId !== requester.userId) throw forbidden(`You are ${requester.userId} and cannot set the presence of ${userId}.`);
      await presence.set(requester, body.presence, body.status_msg);
      return {};
    }),
  ];
}
