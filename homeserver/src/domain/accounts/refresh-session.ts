import type { Clock } from '../../platform/clock.ts';
import { unknownToken } from '../../platform/matrix-error.ts';
import type { Pool } from '../../storage/database.ts';
import { findPairByRefreshToken, lockPair, pruneSpentPairs, pruneUnusedPairs } from '../../storage/token-pairs.ts';
import { refuseByStatus } from './authenticate.ts';
import { hashToken } from './hash-token.ts';
import type { KnownTokens } from './known-tokens.ts';
import type { RemoveDevices } from './remove-devices.ts';
import { settleFirstUse } from './settle-first-use.ts';
import type { IssueTokens, TokenPair } from './start-session.ts';

/**
 * Buys a new pair of tokens with a refresh token, which stays good until the pair is first used, so that a client that missed the
 * answer may ask again. A refresh token shown after that was stolen, or its owner was robbed: the device is logged out.
 * https://spec.matrix.org/latest/client-server-api/#refreshing-access-tokens
 *
 * @throws M_UNKNOWN_TOKEN, M_USER_LOCKED
 */
export type RefreshSession = (refreshToken: string) => Promise<TokenPair>;

/** Pairs bought with one refresh token of which none was used yet. */
const MAX_UNUSED_PAIRS = 4;
/** How long a spent refresh token is remembered, to tell a theft. */
const SPENT_PAIR_LIFETIME_MS = 7 * 86_400_000;

type Deps = { pool: Pool; issueTokens: IssueTokens; knownTokens: KnownTokens; removeDevices: RemoveDevices; clock: Clock };
type Bought = { tokens: TokenPair; voided: Uint8Array[] };
type Stolen = { owner: { userNid: number; userId: string }; deviceId: string };

export function createRefreshSession({ pool, issueTokens, knownTokens, removeDevices, clock }: Deps): RefreshSession {
  async function buy(refreshToken: string): Promise<Bought | Stolen> {
    return await pool.begin(async (sql) => {
      const pair = await findPairByRefreshToken(sql, hashToken(refreshToken));
      if (pair === undefined) throw unknownToken('Unknown refresh token');
      refuseByStatus(pair);
      const { userNid, userId, deviceId, pairId, boughtWith } = pair;

      if (boughtWith !== null) await lockPair(sql, boughtWith);
      const state = await lockPair(sql, pairId);
      if (state === undefined) throw unknownToken('Unknown refresh token');
      if (state === 'spent') return { owner: { userNid, userId }, deviceId };

      // Showing the refresh token of an unused pair is its first use.
      const voided = state === 'unused' ? await settleFirstUse(sql, pairId, boughtWith) : [];
      const tokens = await issueTokens(sql, { userNid, userId, deviceId }, { withRefreshToken: true, boughtWith: pairId });
      await pruneUnusedPairs(sql, pairId, MAX_UNUSED_PAIRS);
      await pruneSpentPairs(sql, userNid, deviceId, clock.now() - SPENT_PAIR_LIFETIME_MS);
      return { tokens, voided };
    });
  }

  return async function refreshSession(refreshToken) {
    const outcome = await buy(refreshToken);
    if ('owner' in outcome) {
      await removeDevices(outcome.owner, [outcome.deviceId]);
      throw unknownToken('This refresh token was used before. For safety the device has been logged out.');
    }
    knownTokens.forgetTokens(outcome.voided);
    return outcome.tokens;
  };
}
