import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, invalidParam, notFound, threepidInUse } from '../../platform/matrix-error.ts';
import { type AccountRow, findAccount, updatePasswordHash } from '../../storage/accounts.ts';
import {
  type AccountFilter,
  type AccountOrder,
  type AccountOverview,
  findAccountOverview,
  listAccountOverviews,
} from '../../storage/admin-accounts.ts';
import { deleteBrowserSessionsOf } from '../../storage/browser-sessions.ts';
import type { Pool } from '../../storage/database.ts';
import { deleteThreepids, insertThreepid, listThreepids, type Threepid } from '../../storage/threepids.ts';
import { listUpstreamIdentities, type UpstreamIdentityRow } from '../../storage/upstream-identities.ts';
import type { AccountModeration } from './account-status.ts';
import type { Deactivate } from './deactivate.ts';
import type { Devices } from './devices.ts';
import { canonicalEmailAddress } from './email-addresses.ts';
import { checkNewPassword } from './passwords.ts';
import type { Profiles } from './profiles.ts';
import type { Register } from './register.ts';
import { userIdForName } from './user-names.ts';

export type { AccountOrder, AccountOverview };
export type AccountDetails = AccountOverview & { threepids: Threepid[]; identities: UpstreamIdentityRow[] };

/** What may be told of an account that is made or changed; what is left out stays as it is. */
export type AccountWish = {
  password?: string | undefined;
  logOutDevices?: boolean | undefined;
  displayName?: string | undefined;
  avatarUrl?: string | undefined;
  emails?: readonly string[] | undefined;
  isAdmin?: boolean | undefined;
  isLocked?: boolean | undefined;
  isDeactivated?: boolean | undefined;
};

/** What an admin does with accounts. `load` and what follows throw M_NOT_FOUND. */
export type AccountAdmin = {
  list(
    filter: AccountFilter,
    page: { from: number; limit: number; orderBy: AccountOrder; isDescending: boolean },
  ): Promise<{ accounts: AccountOverview[]; total: number }>;
  load(userId: string): Promise<AccountDetails>;
  /** Makes an account, or changes it. Tells whether it was made. */
  put(admin: { userId: string }, userId: string, wish: AccountWish): Promise<{ isNew: boolean }>;
  resetPassword(userId: string, password: string, logOutDevices: boolean): Promise<void>;
  setAdmin(admin: { userId: string }, userId: string, isAdmin: boolean): Promise<void>;
  find(userId: string): Promise<AccountRow>;
};

type Deps = {
  pool: Pool;
  register: Register;
  hashPassword: (password: string) => Promise<string>;
  profiles: Pick<Profiles, 'setField'>;
  devices: Devices;
  deactivate: Deactivate;
  moderation: AccountModeration;
  serverName: string;
  clock: Clock;
};

/** https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html */
export function createAccountAdmin(deps: Deps): AccountAdmin {
  const { pool, register, hashPassword, profiles, devices, deactivate, moderation, serverName, clock } = deps;

  async function find(userId: string): Promise<AccountRow> {
    if (!userId.endsWith(`:${serverName}`)) throw invalidParam(`${userId} is not an account of this server`);
    const account = await findAccount(pool, userId);
    if (account === undefined) throw notFound(`There is no account ${userId}`);
    return account;
  }

  async function resetPassword(userId: string, password: string, logOutDevices: boolean): Promise<void> {
    const account = await find(userId);
    if (account.status === 'deactivated') throw notFound(`The account ${userId} is deactivated, which is for ever`);
    checkNewPassword(password);
    const passwordHash = await hashPassword(password);
    await pool.begin(async (sql) => {
      await updatePasswordHash(sql, account.userNid, passwordHash);
      await deleteBrowserSessionsOf(sql, account.userNid);
    });
    if (logOutDevices) await devices.logOutAll(account);
  }

  async function setAdmin(admin: { userId: string }, userId: string, isAdmin: boolean): Promise<void> {
    await find(userId);
    if (admin.userId === userId && !isAdmin) throw invalidParam('You may not demote yourself');
    await moderation.setAdmin(userId, isAdmin);
  }

  async function setEmails(account: AccountRow, emails: readonly string[]): Promise<void> {
    const addresses = emails.map(canonicalEmailAddress);
    const now = clock.now();
    await pool.begin(async (sql) => {
      await deleteThreepids(sql, account.userNid);
      for (const address of new Set(addresses)) {
        const isFree = await insertThreepid(sql, { userNid: account.userNid, medium: 'email', address, validatedAt: now, addedAt: now });
        if (!isFree) throw threepidInUse(`${address} belongs to another account`);
      }
    });
  }

  async function make(userId: string, { password, displayName, isAdmin = false }: AccountWish): Promise<void> {
    const localpart = parseUserId(userId)?.localpart ?? '';
    if (userIdForName(localpart, serverName) !== userId) throw invalidParam(`${userId} is not written as accounts of this server are`);
    if (password !== undefined) checkNewPassword(password);
    const passwordHash = password === undefined ? undefined : await hashPassword(password);
    await register.createAccount({ userId, passwordHash, isAdmin, displayName, session: undefined });
  }

  async function change(admin: { userId: string }, account: AccountRow, wish: AccountWish): Promise<void> {
    const { userId } = account;
    if (wish.isDeactivated === true && account.status !== 'deactivated') {
      if (userId === admin.userId) throw forbidden('You cannot do this to your own account');
      await deactivate.byAdmin({ ...account, erase: false });
      return;
    }
    if (wish.isDeactivated === false && account.status === 'deactivated')
      throw invalidParam(`The account ${userId} is deactivated, which is for ever`);
    if (wish.password !== undefined) await resetPassword(userId, wish.password, wish.logOutDevices ?? true);
    if (wish.isAdmin !== undefined && wish.isAdmin !== account.isAdmin) await setAdmin(admin, userId, wish.isAdmin);
    if (wish.isLocked !== undefined) await moderation.set(userId, 'locked', wish.isLocked);
  }

  return {
    list: (filter, page) => listAccountOverviews(pool, filter, page),
    async load(userId) {
      await find(userId);
      const account = await findAccountOverview(pool, userId);
      if (account === undefined) throw notFound(`There is no account ${userId}`);
      const { userNid } = account;
      return { ...account, threepids: await listThreepids(pool, userNid), identities: await listUpstreamIdentities(pool, userNid) };
    },
    async put(admin, userId, wish) {
      if (!userId.endsWith(`:${serverName}`)) throw invalidParam(`${userId} is not an account of this server`);
      const known = await findAccount(pool, userId);
      if (known === undefined) await make(userId, wish);
      else await change(admin, known, wish);
      const account = await find(userId);
      if (account.status === 'deactivated') return { isNew: false };
      if (wish.displayName !== undefined) await profiles.setField(account, 'displayname', wish.displayName);
      if (wish.avatarUrl !== undefined) await profiles.setField(account, 'avatar_url', wish.avatarUrl);
      if (wish.emails !== undefined) await setEmails(account, wish.emails);
      return { isNew: known === undefined };
    },
    resetPassword,
    setAdmin,
    find,
  };
}
