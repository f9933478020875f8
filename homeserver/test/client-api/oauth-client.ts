import { randomBytes } from 'node:crypto';
import type { TestServer } from '../kit/start-server.ts';
import { TEST_PASSWORD } from '../kit/test-user.ts';
import { createPageVisitor, createPkce, type PageVisitor } from './page-visitor.ts';

type Json = Record<string, unknown>;
export type OAuthAnswer = { status: number; body: Json; headers: Headers };

export const WEB_CLIENT = {
  client_name: 'Verona',
  client_uri: 'https://verona.test/',
  redirect_uris: ['https://app.verona.test/callback'],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  application_type: 'web',
  token_endpoint_auth_method: 'none',
};
export const REDIRECT_URI = 'https://app.verona.test/callback';

export async function postForm(url: string, fields: Record<string, string>): Promise<OAuthAnswer> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? {} : JSON.parse(text), headers: answer.headers };
}

export async function registerOAuthClient(server: TestServer, metadata: Json = WEB_CLIENT): Promise<OAuthAnswer> {
  const answer = await fetch(`${server.url}/oauth2/register`, { method: 'POST', body: JSON.stringify(metadata) });
  return { status: answer.status, body: (await answer.json()) as Json, headers: answer.headers };
}

export type Attempt = { clientId: string; deviceId: string; verifier: string; state: string; query: Record<string, string> };

/** What a client would open a browser with. */
export async function beginAuthorization(server: TestServer, changes: Record<string, string> = {}): Promise<Attempt> {
  const { body } = await registerOAuthClient(server);
  const { verifier, challenge } = createPkce();
  const deviceId = randomBytes(6).toString('hex').toUpperCase();
  const state = randomBytes(8).toString('hex');
  const query = {
    response_type: 'code',
    response_mode: 'fragment',
    client_id: String(body['client_id']),
    redirect_uri: REDIRECT_URI,
    scope: `urn:matrix:client:api:* urn:matrix:client:device:${deviceId}`,
    state,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...changes,
  };
  return { clientId: query.client_id, deviceId, verifier, state, query };
}

export const authorizePath = (query: Record<string, string>) => `/oauth2/authorize?${new URLSearchParams(query)}`;

/** What came back to the client's address. */
export function readReturn(location: string | null): URLSearchParams {
  const url = new URL(location ?? 'about:blank');
  return new URLSearchParams(url.hash === '' ? url.search : url.hash.slice(1));
}

/** Signs in, says yes, and gives the code with what it belongs to. */
export async function authorizeInBrowser(
  server: TestServer,
  user: string,
  changes: Record<string, string> = {},
): Promise<Attempt & { code: string; visitor: PageVisitor }> {
  const attempt = await beginAuthorization(server, changes);
  const visitor = createPageVisitor(server.url);
  await visitor.open(authorizePath(attempt.query));
  await visitor.submit({ do: 'sign-in', username: user, password: TEST_PASSWORD });
  const { location } = await visitor.submit({ do: 'allow' });
  return { ...attempt, code: readReturn(location).get('code') ?? '', visitor };
}

export function redeemCode(server: TestServer, attempt: Attempt & { code: string }, changes: Record<string, string> = {}) {
  return postForm(`${server.url}/oauth2/token`, {
    grant_type: 'authorization_code',
    code: attempt.code,
    redirect_uri: attempt.query['redirect_uri'] ?? '',
    client_id: attempt.clientId,
    code_verifier: attempt.verifier,
    ...changes,
  });
}

/** Logs a device in by OAuth from beginning to end. */
export async function logInByOAuth(server: TestServer, user: string) {
  const attempt = await authorizeInBrowser(server, user);
  const { body } = await redeemCode(server, attempt);
  return { ...attempt, accessToken: String(body['access_token']), refreshToken: String(body['refresh_token']) };
}
