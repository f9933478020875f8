import { exchangeOpenIdToken } from 'federation-spec/api/server/openid.ts';
import { missingToken, unknownToken } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/server-server-api/#openid */
export function serverOpenIdRoute(findUser: (token: string) => Promise<string | undefined>): Route {
  return route(exchangeOpenIdToken, async ({ query }) => {
    if (query.access_token === undefined) throw missingToken();
    const userId = await findUser(query.access_token);
    if (userId === undefined) throw unknownToken('The token is unknown or has expired');
    return { sub: userId };
  });
}
