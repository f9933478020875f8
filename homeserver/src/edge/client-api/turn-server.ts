import { createHmac } from 'node:crypto';
import { getTurnServer } from 'federation-spec/api/client/voip.ts';
import type { Clock } from '../../platform/clock.ts';
import { type Route, raw, route } from '../http/route.ts';

/** How long the credentials of one call are good. */
const TTL_S = 24 * 60 * 60;

type Deps = { uris: readonly string[]; secret: string | undefined; clock: Clock };

/** Credentials that the TURN server checks by the secret it shares with us. https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3voipturnserver */
export function turnServerRoute({ uris, secret, clock }: Deps): Route {
  return route(getTurnServer, async ({ requester }) => {
    if (secret === undefined || uris.length === 0) return raw({ json: {} }); // as clients of servers without TURN expect
    const username = `${Math.floor(clock.now() / 1000) + TTL_S}:${requester.userId}`;
    return { username, password: createHmac('sha1', secret).update(username).digest('base64'), uris: [...uris], ttl: TTL_S };
  });
}
