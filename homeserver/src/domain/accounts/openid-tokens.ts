import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Pool } from '../../storage/database.ts';
import { deleteExpiredOpenIdTokens, findOpenIdUser, insertOpenIdToken } from '../../storage/openid-tokens.ts';
import { hashToken } from './hash-token.ts';

/** Tokens with which people prove to others who they are; they open nothing here. https://spec.matrix.org/latest/client-server-api/#openid */
export type OpenIdTokens = {
  create(userNid: number): Promise<{ token: string; expiresInMs: number }>;
  /** The user id a token proves, for `/_matrix/federation/v1/openid/userinfo`. */
  find(token: string): Promise<string | undefined>;
};

const TOKEN_BITS = 256;
const LIFETIME_MS = 3_600_000;

export function createOpenIdTokens({ pool, clock, random }: { pool: Pool; clock: Clock; random: Random }): OpenIdTokens {
  return {
    async create(userNid) {
      const now = clock.now();
      await deleteExpiredOpenIdTokens(pool, now);
      const token = `bco_${random.text(TOKEN_BITS)}`;
      await insertOpenIdToken(pool, { tokenHash: hashToken(token), userNid, expiresAt: now + LIFETIME_MS });
      return { token, expiresInMs: LIFETIME_MS };
    },
    find: (token) => findOpenIdUser(pool, hashToken(token), clock.now()),
  };
}
