import { createHash } from 'node:crypto';
import type { Clock } from '../../../platform/clock.ts';
import { MatrixError } from '../../../platform/matrix-error.ts';
import { findAccountByNid } from '../../../storage/accounts.ts';
import type { Pool } from '../../../storage/database.ts';
import { useOAuthCode } from '../../../storage/oauth-codes.ts';
import { deleteDeviceGrant, pollDeviceGrant } from '../../../storage/oauth-device-grants.ts';
import { findOAuthSession, upsertOAuthSession } from '../../../storage/oauth-sessions.ts';
import { findPairByRefreshToken, findTokenPair } from '../../../storage/token-pairs.ts';
import { MAX_DEVICE_NAME_CHARACTERS } from '../device-names.ts';
import type { Devices } from '../devices.ts';
import { hashToken, isSameDigest } from '../hash-token.ts';
import type { LogIn } from '../log-in.ts';
import type { RefreshSession } from '../refresh-session.ts';
import type { TokenPair } from '../start-session.ts';
import { DEVICE_CODE_GRANT } from './client-metadata.ts';
import type { OAuthClient, OAuthClients } from './clients.ts';
import { DEVICE_POLL_INTERVAL_MS } from './device-grants.ts';
import { OAuthError } from './oauth-error.ts';

/** The fields of a form, in the wire's names. */
export type Form = Readonly<Record<string, string>>;
export type GrantedTokens = TokenPair & { scope: string };

/** What the token and revocation endpoints do. */
export type OAuthTokens = {
  /** https://spec.matrix.org/latest/client-server-api/#grant-types @throws OAuthError */
  issue(form: Form): Promise<GrantedTokens>;
  /** Logs the device out that a token belongs to, whoever shows it. https://spec.matrix.org/latest/client-server-api/#token-revocation */
  revoke(form: Form): Promise<void>;
};

/** A client may ask a little early: clocks and networks are not exact. */
const POLL_LENIENCE_MS = 1_000;
const MAX_TOKEN_CHARACTERS = 4_096;
/** https://www.rfc-editor.org/rfc/rfc7636#section-4.1 */
const CODE_VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

type Deps = { pool: Pool; clients: OAuthClients; logIn: LogIn; refreshSession: RefreshSession; devices: Devices; clock: Clock };
type Granted = { client: OAuthClient; userNid: number; deviceId: string; scope: string };

export function createOAuthTokens({ pool, clients, logIn, refreshSession, devices, clock }: Deps): OAuthTokens {
  async function start({ client, userNid, deviceId, scope }: Granted): Promise<GrantedTokens> {
    const { clientId, metadata } = client;
    const name = (metadata.client_name ?? metadata.client_uri).slice(0, MAX_DEVICE_NAME_CHARACTERS);
    const options = { deviceId, initialDeviceDisplayName: name, wantsRefreshToken: true };
    const account = await findAccountByNid(pool, userNid);
    if (account === undefined) throw new OAuthError('invalid_grant', 'The account is no more');
    const session = await tellAsGrant(() =>
      logIn.withoutProof(account, options, (sql) =>
        upsertOAuthSession(sql, { userNid, deviceId, clientId, scope, createdAt: clock.now() }),
      ),
    );
    return { ...session, scope };
  }

  async function byCode(form: Form): Promise<GrantedTokens> {
    const client = await clients.load(form['client_id']);
    const code = await useOAuthCode(pool, hashToken(need(form, 'code')));
    if (code === undefined) throw new OAuthError('invalid_grant', 'The code is unknown');
    if (code.wasUsed) {
      await revokeDevice(code.userNid, code.deviceId, code.clientId);
      throw new OAuthError('invalid_grant', 'The code was used before. For safety the device has been logged out.');
    }
    if (code.expiresAt <= clock.now()) throw new OAuthError('invalid_grant', 'The code has expired');
    if (code.clientId !== client.clientId) throw new OAuthError('invalid_grant', 'The code was given to another client');
    if (code.redirectUri !== form['redirect_uri'])
      throw new OAuthError('invalid_grant', 'redirect_uri is not the one of the authorization');
    const verifier = need(form, 'code_verifier');
    const challenge = createHash('sha256').update(verifier).digest();
    if (!CODE_VERIFIER.test(verifier) || !isSameDigest(challenge, Buffer.from(code.codeChallenge, 'base64url'))) {
      throw new OAuthError('invalid_grant', 'code_verifier does not belong to the code');
    }
    return await start({ client, userNid: code.userNid, deviceId: code.deviceId, scope: code.scope });
  }

  async function byDeviceCode(form: Form): Promise<GrantedTokens> {
    const client = await clients.load(form['client_id']);
    const deviceCodeHash = hashToken(need(form, 'device_code'));
    const now = clock.now();
    const grant = await pollDeviceGrant(pool, deviceCodeHash, now);
    if (grant === undefined || grant.clientId !== client.clientId) throw new OAuthError('invalid_grant', 'The device code is unknown');
    if (grant.expiresAt <= now) throw new OAuthError('expired_token', 'The device code has expired');
    if (grant.polledBefore !== null && now - grant.polledBefore < DEVICE_POLL_INTERVAL_MS - POLL_LENIENCE_MS) {
      throw new OAuthError('slow_down', `Wait ${DEVICE_POLL_INTERVAL_MS / 1000} s between two tries`);
    }
    if (grant.state === 'denied') throw new OAuthError('access_denied', 'The person said no');
    if (grant.state !== 'allowed' || grant.userNid === null)
      throw new OAuthError('authorization_pending', 'The person has not answered yet');
    if (!(await deleteDeviceGrant(pool, deviceCodeHash))) throw new OAuthError('invalid_grant', 'The device code was used');
    return await start({ client, userNid: grant.userNid, deviceId: grant.deviceId, scope: grant.scope });
  }

  async function byRefreshToken(form: Form): Promise<GrantedTokens> {
    const client = await clients.load(form['client_id']);
    const refreshToken = need(form, 'refresh_token');
    const pair = await findPairByRefreshToken(pool, hashToken(refreshToken));
    const session = pair === undefined ? undefined : await findOAuthSession(pool, pair.userNid, pair.deviceId);
    if (session === undefined || session.clientId !== client.clientId) {
      throw new OAuthError('invalid_grant', 'The refresh token is unknown, or another client’s');
    }
    const tokens = await tellAsGrant(() => refreshSession(refreshToken));
    return { ...tokens, scope: session.scope };
  }

  async function revokeDevice(userNid: number, deviceId: string, clientId?: string): Promise<void> {
    const account = await findAccountByNid(pool, userNid);
    const session = clientId === undefined ? undefined : await findOAuthSession(pool, userNid, deviceId);
    if (account === undefined || (clientId !== undefined && session?.clientId !== clientId)) return;
    await devices.remove(account, [deviceId]);
  }

  return {
    async issue(form) {
      const grantType = need(form, 'grant_type');
      if (grantType === 'authorization_code') return await byCode(form);
      if (grantType === 'refresh_token') return await byRefreshToken(form);
      if (grantType === DEVICE_CODE_GRANT) return await byDeviceCode(form);
      throw new OAuthError('unsupported_grant_type', `The grant type ${grantType.slice(0, 100)} is not offered here`);
    },
    async revoke(form) {
      const hash = hashToken(need(form, 'token'));
      const pair = (await findTokenPair(pool, hash)) ?? (await findPairByRefreshToken(pool, hash));
      if (pair !== undefined) await revokeDevice(pair.userNid, pair.deviceId);
    },
  };
}

function need(form: Form, name: string): string {
  const value = form[name];
  if (value === undefined || value === '') throw new OAuthError('invalid_request', `${name} is missing`);
  if (value.length > MAX_TOKEN_CHARACTERS) throw new OAuthError('invalid_request', `${name} is too long`);
  return value;
}

/** An account that may not have tokens now. A locked one may later, so its client must not believe itself logged out. */
async function tellAsGrant<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error;
    if (error.errcode === 'M_USER_LOCKED') throw new OAuthError('temporarily_unavailable', error.message, 503);
    throw new OAuthError('invalid_grant', error.message);
  }
}
