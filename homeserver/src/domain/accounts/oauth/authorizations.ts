import type { Clock } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';
import type { Pool } from '../../../storage/database.ts';
import { deleteExpiredOAuthCodes, insertOAuthCode } from '../../../storage/oauth-codes.ts';
import { hashToken } from '../hash-token.ts';
import type { OAuthClient, OAuthClients } from './clients.ts';
import { OAuthError } from './oauth-error.ts';
import { matchesRedirectUri } from './redirect-uris.ts';
import { parseScope, type Scope } from './scopes.ts';

/** What a client sends a browser with, in the wire's names; any of it may be missing. */
export type AuthorizationQuery = Partial<
  Record<
    | 'response_type'
    | 'response_mode'
    | 'client_id'
    | 'redirect_uri'
    | 'scope'
    | 'state'
    | 'code_challenge'
    | 'code_challenge_method'
    | 'prompt'
    | 'login_hint',
    string
  >
> & {
  /** The names of what was there more than once, and is left out. */
  repeated?: readonly string[];
};

/** Where to send the browser back, and how. */
export type ReturnAddress = { redirectUri: string; responseMode: 'query' | 'fragment'; state: string | undefined };
/** A sound request, to be shown to the person. */
export type AuthorizationRequest = ReturnAddress & { client: OAuthClient; scope: Scope; codeChallenge: string; wantsAccount: boolean };

/** https://spec.matrix.org/latest/client-server-api/#authorisation-code-flow */
export type Authorizations = {
  /**
   * Looks at a request. What is wrong before we know where to send the browser back is thrown; the rest is told to the client.
   *
   * @throws OAuthError when client or redirect URI are not known here: then nobody is sent anywhere
   */
  read(query: AuthorizationQuery): Promise<AuthorizationRequest | { back: ReturnAddress; error: OAuthError }>;
  /** The person has said yes: a code that is good once and soon. */
  allow(request: AuthorizationRequest, userNid: number): Promise<string>;
};

const CODE_BITS = 256;
export const CODE_LIFETIME_MS = 120_000;
/** Used codes are remembered for a while, to tell when one is shown twice. */
const USED_CODE_LIFETIME_MS = 3_600_000;
const MAX_STATE_CHARACTERS = 2_048;
/** A SHA-256 in base64url. */
const CODE_CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

type Deps = { pool: Pool; clients: OAuthClients; clock: Clock; random: Random };

export function createAuthorizations({ pool, clients, clock, random }: Deps): Authorizations {
  return {
    async read(query) {
      const client = query.client_id === undefined ? undefined : await clients.find(query.client_id);
      if (client === undefined)
        throw new OAuthError('invalid_client', 'The client that sent you here is not registered. Go back and try again.');
      const redirectUri = query.redirect_uri;
      if (redirectUri === undefined || !matchesRedirectUri(redirectUri, client.metadata.redirect_uris)) {
        throw new OAuthError('invalid_request', 'The client that sent you here asks us to send you to an address that is not its own.');
      }
      const responseMode = query.response_mode ?? 'query';
      if (responseMode !== 'query' && responseMode !== 'fragment') {
        throw new OAuthError('invalid_request', 'response_mode must be query or fragment');
      }
      const back: ReturnAddress = { redirectUri, responseMode, state: query.state };
      try {
        return { ...back, client, ...checkRequest(query, client) };
      } catch (error) {
        if (error instanceof OAuthError) return { back, error };
        throw error;
      }
    },
    async allow({ client, scope, redirectUri, codeChallenge }, userNid) {
      const now = clock.now();
      await deleteExpiredOAuthCodes(pool, now - USED_CODE_LIFETIME_MS);
      const code = `bca_${random.text(CODE_BITS)}`;
      await insertOAuthCode(pool, {
        codeHash: hashToken(code),
        clientId: client.clientId,
        userNid,
        deviceId: scope.deviceId,
        scope: scope.granted,
        redirectUri,
        codeChallenge,
        expiresAt: now + CODE_LIFETIME_MS,
      });
      return code;
    },
  };
}

function checkRequest(query: AuthorizationQuery, { metadata }: OAuthClient) {
  const [repeated] = query.repeated ?? [];
  if (repeated !== undefined) throw new OAuthError('invalid_request', `${repeated} is there more than once`);
  if ((query.state ?? '').length > MAX_STATE_CHARACTERS) throw new OAuthError('invalid_request', 'state is too long');
  if (query.response_type !== 'code') throw new OAuthError('unsupported_response_type', 'response_type must be code');
  if (!metadata.grant_types.includes('authorization_code')) {
    throw new OAuthError('unauthorized_client', 'The client did not register for the authorization code grant');
  }
  if (query.code_challenge_method !== 'S256') throw new OAuthError('invalid_request', 'code_challenge_method must be S256');
  const codeChallenge = query.code_challenge ?? '';
  if (!CODE_CHALLENGE.test(codeChallenge)) throw new OAuthError('invalid_request', 'code_challenge must be a SHA-256 in base64url');
  const scope = parseScope(query.scope ?? '');
  if (query.prompt === 'none') throw new OAuthError('access_denied', 'Nobody is let in without being asked');
  return { scope, codeChallenge, wantsAccount: query.prompt === 'create' };
}

/** The address to go back to, with what came of it. Parameters go where the client asked for them. */
export function returnUrl({ redirectUri, responseMode, state }: ReturnAddress, outcome: Readonly<Record<string, string>>): string {
  const parameters = new URLSearchParams({ ...(state === undefined ? {} : { state }), ...outcome }).toString();
  if (responseMode === 'fragment') return `${redirectUri}#${parameters}`;
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${parameters}`;
}
