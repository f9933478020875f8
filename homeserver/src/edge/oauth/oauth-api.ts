import { getAuthMetadata } from 'federation-spec/api/client/oauth.ts';
import {
  authorize,
  authorizeDevice,
  issueToken,
  manageAccount,
  registerClient,
  revokeToken,
  showDeviceLink,
} from 'federation-spec/api/oauth/authorization-server.ts';
import { GRANT_TYPES } from '../../domain/accounts/oauth/client-metadata.ts';
import type { OAuth } from '../../domain/accounts/oauth/create-oauth.ts';
import { type Route, route } from '../http/route.ts';
import { ACCOUNT_ACTIONS } from './account-actions.ts';
import { answerOAuth } from './answer-oauth.ts';
import { readClientMetadata, readOAuthForm } from './oauth-form.ts';

const CREATED = 201;

/** What clients ask of the authorization server. https://spec.matrix.org/latest/client-server-api/#oauth-20-api */
export function oauthApiRoutes(oauth: OAuth, { publicUrl, canSignUp }: { publicUrl: string; canSignUp: boolean }): Route[] {
  return [
    route(getAuthMetadata, async () => ({
      issuer: `${publicUrl}/`,
      authorization_endpoint: publicUrl + authorize.path,
      token_endpoint: publicUrl + issueToken.path,
      revocation_endpoint: publicUrl + revokeToken.path,
      registration_endpoint: publicUrl + registerClient.path,
      device_authorization_endpoint: publicUrl + authorizeDevice.path,
      response_types_supported: ['code'],
      grant_types_supported: [...GRANT_TYPES],
      response_modes_supported: ['query', 'fragment'],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
      revocation_endpoint_auth_methods_supported: ['none'],
      ...(canSignUp ? { prompt_values_supported: ['create'] } : {}),
      account_management_uri: publicUrl + manageAccount.path,
      account_management_actions_supported: [...ACCOUNT_ACTIONS],
    })),
    route(registerClient, ({ request }) =>
      answerOAuth(async () => {
        const { clientId, metadata } = await oauth.clients.register(await readClientMetadata(request));
        return { status: CREATED, json: { client_id: clientId, ...metadata } };
      }),
    ),
    route(issueToken, ({ request }) =>
      answerOAuth(async () => {
        const tokens = await oauth.tokens.issue(await readOAuthForm(request));
        return {
          json: {
            access_token: tokens.accessToken,
            token_type: 'Bearer',
            ...(tokens.expiresInMs === undefined ? {} : { expires_in: Math.floor(tokens.expiresInMs / 1000) }),
            ...(tokens.refreshToken === undefined ? {} : { refresh_token: tokens.refreshToken }),
            scope: tokens.scope,
          },
        };
      }),
    ),
    route(revokeToken, ({ request }) =>
      answerOAuth(async () => {
        await oauth.tokens.revoke(await readOAuthForm(request));
        return { json: {} };
      }),
    ),
    route(authorizeDevice, ({ request }) =>
      answerOAuth(async () => {
        const form = await readOAuthForm(request);
        const grant = await oauth.deviceGrants.begin({ clientId: form['client_id'], scope: form['scope'] ?? '' });
        const link = publicUrl + showDeviceLink.path;
        return {
          json: {
            device_code: grant.deviceCode,
            user_code: grant.userCode,
            verification_uri: link,
            verification_uri_complete: `${link}?${new URLSearchParams({ user_code: grant.userCode })}`,
            expires_in: grant.expiresInMs / 1000,
            interval: grant.intervalMs / 1000,
          },
        };
      }),
    ),
  ];
}
