import { generateLoginToken, getLoginFlows, login, logout, logout_all, refresh } from 'federation-spec/api/client/login.ts';
import { APPSERVICE_LOGIN } from '../../domain/accounts/appservice-accounts.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import { readIdentifier } from '../../domain/accounts/log-in.ts';
import type { SignInProvider } from '../../domain/accounts/sso/single-sign-on.ts';
import { missingParam, unknown } from '../../platform/matrix-error.ts';
import { readAccessToken } from '../http/read-access-token.ts';
import { type Route, route } from '../http/route.ts';
import { sessionAnswer, tokensAnswer } from './session-answer.ts';

type LoginNames = { serverName: string; publicUrl: string; providers: readonly SignInProvider[]; oauthAware: boolean };

/** https://spec.matrix.org/latest/client-server-api/#legacy-login */
export function loginRoutes(accounts: Accounts, { serverName, publicUrl, providers, oauthAware }: LoginNames): Route[] {
  return [
    route(getLoginFlows, async () => ({
      flows: [
        { type: 'm.login.password' },
        ...(providers.length === 0 && !oauthAware ? [] : [ssoFlow(providers, oauthAware)]),
        { type: 'm.login.token', get_login_token: true },
        { type: APPSERVICE_LOGIN },
      ],
    })),
    route(login, async ({ body, request }) => {
      const options = {
        deviceId: body.device_id,
        initialDeviceDisplayName: body.initial_device_display_name,
        wantsRefreshToken: body.refresh_token,
      };
      const answer = (session: Parameters<typeof sessionAnswer>[0]) => ({
        ...sessionAnswer(session, serverName),
        well_known: { 'm.homeserver': { base_url: publicUrl } },
      });
      if (body.type === 'm.login.token') return answer(await accounts.logIn.byLoginToken(body.token ?? '', options));
      if (body.type === APPSERVICE_LOGIN) {
        const owner = accounts.appservices.identify(readAccessToken(request));
        const identifier = readIdentifier(body);
        if (identifier.kind !== 'user') throw unknown('Application services name users by their user name');
        return answer(await accounts.appservices.logIn(owner, identifier.user, options));
      }
      if (body.type !== 'm.login.password') throw unknown(`Unknown login type ${body.type.slice(0, 100)}`);
      if (body.password === undefined) throw missingParam('Missing key password');
      return answer(await accounts.logIn.byPassword(readIdentifier(body), body.password, options));
    }),
    route(generateLoginToken, async ({ requester, body }) => {
      const { loginToken, expiresInMs } = await accounts.createLoginToken(requester, body.auth);
      return { login_token: loginToken, expires_in_ms: expiresInMs };
    }),
    route(refresh, async ({ body }) => tokensAnswer(await accounts.refreshSession(body.refresh_token))),
    route(logout, async ({ requester }) => {
      await accounts.devices.logOut(requester);
      return {};
    }),
    route(logout_all, async ({ requester }) => {
      await accounts.devices.logOutAll(requester);
      return {};
    }),
  ];
}

/** https://spec.matrix.org/latest/client-server-api/#oauth-20-aware-clients */
function ssoFlow(providers: readonly SignInProvider[], oauthAware: boolean) {
  return {
    type: 'm.login.sso',
    ...(providers.length === 0 ? {} : { identity_providers: providers.map((provider) => ({ ...provider })) }),
    ...(oauthAware ? { oauth_aware_preferred: true, 'org.matrix.msc3824.delegated_oidc_compatibility': true } : {}),
  };
}
