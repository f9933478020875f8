import type { Clock } from '../../platform/clock.ts';
import { unknownToken, userDeactivated, userLocked } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { findTokenPair, lockPair, type TokenOwner, type TokenPairRow } from '../../storage/token-pairs.ts';
import type { AccessTokens } from './access-tokens.ts';
import { hashToken } from './hash-token.ts';
import type { KnownTokens } from './known-tokens.ts';
import type { LastSeen } from './last-seen.ts';
import type { Requester } from './requester.ts';
import { settleFirstUse } from './settle-first-use.ts';

/**
 * Tells who stands behind an access token.
 * https://spec.matrix.org/latest/client-server-api/#using-access-tokens
 *
 * `ip` and `userAgent`, where the request came from, are noted with the device. A locked account passes only where it `mayBeLocked`.
 *
 * @throws M_UNKNOWN_TOKEN (with `soft_logout` when it has merely expired), M_USER_LOCKED, M_USER_DEACTIVATED
 */
export type Authenticate = (credentials: {
  accessToken: string;
  ip?: string;
  userAgent?: string;
  mayBeLocked?: boolean;
}) => Promise<Requester>;

type Deps = { pool: Pool; accessTokens: AccessTokens; knownTokens: KnownTokens; lastSeen: LastSeen; clock: Clock };

export function createAuthenticate({ pool, accessTokens, knownTokens, lastSeen, clock }: Deps): Authenticate {
  async function verify(accessToken: string, hash: Uint8Array, mayBeLocked: boolean): Promise<Requester> {
    const asOf = knownTokens.revision();
    if (!(await accessTokens.isOurs(accessToken))) throw unknownToken();

    const pair = await findTokenPair(pool, hash);
    if (pair === undefined) throw unknownToken();
    const isLocked = pair.status === 'locked' && mayBeLocked;
    if (!isLocked) refuseByStatus(pair);
    if (hasExpired(pair.expiresAt ?? undefined, clock)) throw unknownToken('The access token has expired', true);

    const requester = requesterOf(pair);
    if (isLocked) return requester;
    if (pair.state === 'used') knownTokens.remember(hash, { requester, expiresAt: pair.expiresAt ?? undefined }, asOf);
    else await use(pair);
    return requester;
  }

  async function use({ pairId, boughtWith }: TokenPairRow): Promise<void> {
    const voided = await pool.begin(async (sql) => {
      if (boughtWith !== null) await lockPair(sql, boughtWith);
      const state = await lockPair(sql, pairId);
      if (state === undefined || state === 'spent') throw unknownToken(); // another pair bought with the same token was used first
      return state === 'unused' ? await settleFirstUse(sql, pairId, boughtWith) : [];
    });
    knownTokens.forgetTokens(voided);
  }

  return async function authenticate({ accessToken, ip, userAgent, mayBeLocked = false }) {
    const hash = hashToken(accessToken);
    const known = knownTokens.find(hash);
    if (known !== undefined && hasExpired(known.expiresAt, clock)) throw unknownToken('The access token has expired', true);

    const requester = known?.requester ?? (await verify(accessToken, hash, mayBeLocked));
    if (ip !== undefined) lastSeen.note({ userNid: requester.userNid, deviceId: requester.deviceId, ip, userAgent: userAgent ?? '' });
    return requester;
  };
}

/** @throws M_USER_DEACTIVATED, M_USER_LOCKED */
export function refuseByStatus({ status }: Pick<TokenOwner, 'status'>): void {
  if (status === 'deactivated') throw userDeactivated();
  if (status === 'locked') throw userLocked();
}

function hasExpired(expiresAt: number | undefined, clock: Clock): boolean {
  return expiresAt !== undefined && clock.now() >= expiresAt;
}

function requesterOf({ userId, userNid, deviceId, isGuest, isAdmin, status }: TokenPairRow & TokenOwner): Requester {
  return { userId, userNid, deviceId, isGuest, isAdmin, ...(status === 'suspended' ? { isSuspended: true } : {}) };
}
