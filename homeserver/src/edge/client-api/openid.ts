import { requestOpenIdToken } from 'federation-spec/api/client/openid.ts';
import type { OpenIdTokens } from '../../domain/accounts/openid-tokens.ts';
import { type Route, route } from '../http/route.ts';
import { checkOwn } from './check-own.ts';

/** https://spec.matrix.org/latest/client-server-api/#openid */
export function openIdRoute(tokens: OpenIdTokens, { serverName }: { serverName: string }): Route {
  return route(requestOpenIdToken, async ({ requester, params }) => {
    checkOwn(requester, params.userId);
    const { token, expiresInMs } = await tokens.create(requester.userNid);
    return { access_token: token, token_type: 'Bearer', matrix_server_name: serverName, expires_in: expiresInMs / 1000 };
  });
}
