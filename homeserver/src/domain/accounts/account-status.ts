import { notFound } from '../../platform/matrix-error.ts';
import { findAccount, updateAccountStatus, updateIsAdmin } from '../../storage/accounts.ts';
import type { Pool } from '../../storage/database.ts';
import type { KnownTokens } from './known-tokens.ts';

/** What an admin may make of an account; it holds from the moment this resolves. */
export type AccountModeration = {
  /** @throws M_NOT_FOUND */
  isIn(userId: string, status: 'locked' | 'suspended'): Promise<boolean>;
  /** @throws M_NOT_FOUND */
  isAdmin(userId: string): Promise<boolean>;
  /** Locks or suspends an account, or ends that. @throws M_NOT_FOUND */
  set(userId: string, status: 'locked' | 'suspended', on: boolean): Promise<void>;
  /** @throws M_NOT_FOUND */
  setAdmin(userId: string, isAdmin: boolean): Promise<void>;
};

type Deps = { pool: Pool; knownTokens: KnownTokens };

export function createAccountModeration({ pool, knownTokens }: Deps): AccountModeration {
  async function load(userId: string) {
    const account = await findAccount(pool, userId);
    if (account === undefined || account.status === 'deactivated') throw notFound(`There is no account ${userId}`);
    return account;
  }

  return {
    isIn: async (userId, status) => (await load(userId)).status === status,
    isAdmin: async (userId) => (await load(userId)).isAdmin,
    async set(userId, status, on) {
      const account = await load(userId);
      if (on) await updateAccountStatus(pool, account.userNid, status);
      else if (account.status === status) await updateAccountStatus(pool, account.userNid, 'active');
      knownTokens.forgetUser(account.userNid);
    },
    async setAdmin(userId, isAdmin) {
      const account = await load(userId);
      await updateIsAdmin(pool, account.userNid, isAdmin);
      knownTokens.forgetUser(account.userNid);
    },
  };
}
