import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import { announceAccountChange } from '../../storage/account-news.ts';
import {
  type AccountStatus,
  type AccountSummary,
  findAccount,
  insertAccount,
  listAccounts,
  updateAccountStatus,
  updateIsAdmin,
  updatePasswordHash,
} from '../../storage/accounts.ts';
import { deleteBrowserSessionsOf } from '../../storage/browser-sessions.ts';
import type { Pool, Sql } from '../../storage/database.ts';
import { insertRegistrationToken } from '../../storage/registration-tokens.ts';
import { listReports, type ReportRow } from '../../storage/reports.ts';
import { deleteAllTokenPairs } from '../../storage/token-pairs.ts';
import { internUsers } from '../../storage/users.ts';
import { endAccount } from './end-account.ts';
import type { PasswordHasher } from './password-hasher.ts';
import { welcomeAccount } from './profiles.ts';
import { userIdForName } from './user-names.ts';

/** What whoever sits at the server may do to its accounts, while the homeserver runs or not. Each throws an Error that says why not. */
export type Administration = {
  /** Returns the password that was made up for it. */
  createAccount(name: string, options: { isAdmin: boolean }): Promise<{ userId: string; password: string }>;
  setAdmin(name: string, isAdmin: boolean): Promise<string>;
  setStatus(name: string, status: Exclude<AccountStatus, 'deactivated'>): Promise<string>;
  /** Gives an account a new password and ends its sessions. */
  resetPassword(name: string): Promise<{ userId: string; password: string }>;
  /** Ends an account for ever; the homeserver takes it out of its rooms, now or when it starts. */
  deactivate(name: string, options: { erase: boolean }): Promise<string>;
  createRegistrationToken(options: { token?: string | undefined; uses?: number | undefined; days?: number | undefined }): Promise<string>;
  listAccounts(): Promise<AccountSummary[]>;
  /** What people have reported, the last first. */
  listReports(): Promise<ReportRow[]>;
};

const PASSWORD_BITS = 96;
const TOKEN_BITS = 96;
const DAY_MS = 86_400_000;
const PAGE = 1_000;
const MAX_LISTED_REPORTS = 1_000;
const TOKEN = /^[A-Za-z0-9._~-]{1,64}$/;

type Deps = { pool: Pool; passwordHasher: PasswordHasher; clock: Clock; random: Random; serverName: string };

export function createAdministration({ pool, passwordHasher, clock, random, serverName }: Deps): Administration {
  const userIdOf = (name: string) => (name.startsWith('@') ? name : `@${name}:${serverName}`);

  /** Changes an account; the running homeserver forgets what it remembers of it. */
  async function change(name: string, write: (sql: Sql, userNid: number) => Promise<void>): Promise<string> {
    const account = await findAccount(pool, userIdOf(name));
    if (account === undefined) throw new Error(`There is no account ${userIdOf(name)}.`);
    if (account.status === 'deactivated') throw new Error(`The account ${account.userId} is deactivated, which is for ever.`);
    await pool.begin(async (sql) => {
      await write(sql, account.userNid);
      await announceAccountChange(sql, account.userNid);
    });
    return account.userId;
  }

  return {
    async createAccount(name, { isAdmin }) {
      const userId = userIdForName(parseUserId(name)?.localpart ?? name, serverName);
      const password = random.text(PASSWORD_BITS);
      const passwordHash = await passwordHasher.hash(password);
      await pool.begin(async (sql) => {
        const userNid = (await internUsers(sql, [userId], serverName)).get(userId);
        if (userNid === undefined) throw new Error(`${userId} got no number`);
        const account = { userNid, passwordHash, isAdmin, isGuest: false, createdAt: clock.now() };
        if (!(await insertAccount(sql, account, false)).inserted) throw new Error(`There is an account ${userId} already.`);
        await welcomeAccount(sql, { userNid, userId, isGuest: false });
      });
      return { userId, password };
    },
    setAdmin: (name, isAdmin) => change(name, (sql, userNid) => updateIsAdmin(sql, userNid, isAdmin)),
    setStatus: (name, status) => change(name, (sql, userNid) => updateAccountStatus(sql, userNid, status)),
    deactivate: (name, { erase }) => change(name, (sql, userNid) => endAccount(sql, { userNid, erase, now: clock.now() })),
    async resetPassword(name) {
      const password = random.text(PASSWORD_BITS);
      const passwordHash = await passwordHasher.hash(password);
      const userId = await change(name, async (sql, userNid) => {
        await updatePasswordHash(sql, userNid, passwordHash);
        await deleteAllTokenPairs(sql, userNid);
        await deleteBrowserSessionsOf(sql, userNid);
      });
      return { userId, password };
    },
    async createRegistrationToken({ token = random.text(TOKEN_BITS), uses, days }) {
      if (!TOKEN.test(token)) throw new Error('A registration token is made of 1 to 64 of A-Z, a-z, 0-9 and . _ ~ -');
      const expiresAt = days === undefined ? undefined : clock.now() + days * DAY_MS;
      if (!(await insertRegistrationToken(pool, { token, usesAllowed: uses, expiresAt })))
        throw new Error(`There is a token ${token} already.`);
      return token;
    },
    listReports: async () => (await listReports(pool, { from: 0, limit: MAX_LISTED_REPORTS, direction: 'b', eventsOnly: false })).reports,
    async listAccounts() {
      const all: AccountSummary[] = [];
      for (;;) {
        const page = await listAccounts(pool, all.at(-1)?.userId ?? '', PAGE);
        all.push(...page);
        if (page.length < PAGE) return all;
      }
    },
  };
}
