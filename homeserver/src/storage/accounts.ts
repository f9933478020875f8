import type { Sql } from './database.ts';

export type AccountStatus = 'active' | 'locked' | 'suspended' | 'deactivated';

export type AccountRow = {
  userNid: number;
  userId: string;
  passwordHash: string | null;
  isAdmin: boolean;
  isGuest: boolean;
  status: AccountStatus;
};

/** Any number, as long as only this uses it. */
const FIRST_ACCOUNT_LOCK = 7_223_010;

/**
 * Makes an account unless the user id has one already, deactivated ones included: a user id is never given away twice.
 *
 * @param adminIfFirst whether the account becomes an admin when it is the first of a person who is no guest
 */
export async function insertAccount(
  sql: Sql,
  account: {
    userNid: number;
    passwordHash: string | undefined;
    isAdmin: boolean;
    isGuest: boolean;
    byAppservice?: boolean;
    createdAt: number;
  },
  adminIfFirst: boolean,
): Promise<{ inserted: boolean; isAdmin: boolean }> {
  const { userNid, passwordHash, isAdmin, isGuest, byAppservice = false, createdAt } = account;
  if (adminIfFirst) await sql`select pg_advisory_xact_lock(${FIRST_ACCOUNT_LOCK})`;
  const [row] = await sql<{ isAdmin: boolean }[]>`
    insert into accounts (user_nid, password_hash, is_admin, is_guest, by_appservice, created_at)
    select ${userNid}, ${passwordHash ?? null}, ${isAdmin} or (${adminIfFirst} and not exists (select from accounts where not is_guest and not by_appservice)),
           ${isGuest}, ${byAppservice}, ${createdAt}
    on conflict (user_nid) do nothing
    returning is_admin as "isAdmin"`;
  return { inserted: row !== undefined, isAdmin: row?.isAdmin ?? false };
}

export async function findAccount(sql: Sql, userId: string): Promise<AccountRow | undefined> {
  const [row] = await sql<AccountRow[]>`
    select a.user_nid as "userNid", u.user_id as "userId", a.password_hash as "passwordHash", a.is_admin as "isAdmin",
           a.is_guest as "isGuest", a.status
    from   accounts a
    join   users u using (user_nid)
    where  u.user_id = ${userId}`;
  return row;
}

/** Has changes of one account that must not meet take turns, until the transaction ends. */
export async function lockAccount(sql: Sql, userNid: number): Promise<void> {
  await sql`select 1 from accounts where user_nid = ${userNid} for no key update`;
}

export async function findAccountByNid(sql: Sql, userNid: number): Promise<AccountRow | undefined> {
  const [row] = await sql<AccountRow[]>`
    select a.user_nid as "userNid", u.user_id as "userId", a.password_hash as "passwordHash", a.is_admin as "isAdmin",
           a.is_guest as "isGuest", a.status
    from   accounts a
    join   users u using (user_nid)
    where  a.user_nid = ${userNid}`;
  return row;
}

/** Makes a guest's account a full one. False when it is none. */
export async function upgradeGuestAccount(sql: Sql, userNid: number, passwordHash: string): Promise<boolean> {
  const rows = await sql`
    update accounts set is_guest = false, password_hash = ${passwordHash}
    where  user_nid = ${userNid} and is_guest and status = 'active'
    returning 1`;
  return rows.length > 0;
}

export async function updatePasswordHash(sql: Sql, userNid: number, passwordHash: string | null): Promise<void> {
  await sql`update accounts set password_hash = ${passwordHash} where user_nid = ${userNid}`;
}

export async function updateAccountStatus(sql: Sql, userNid: number, status: AccountStatus): Promise<void> {
  await sql`update accounts set status = ${status} where user_nid = ${userNid}`;
}

export async function updateIsAdmin(sql: Sql, userNid: number, isAdmin: boolean): Promise<void> {
  await sql`update accounts set is_admin = ${isAdmin} where user_nid = ${userNid}`;
}

/** Ends an account for ever: nobody can log in to it, and its user id stays taken. */
export async function deactivateAccount(sql: Sql, userNid: number, erase: boolean): Promise<void> {
  await sql`
    update accounts
    set    status = 'deactivated', password_hash = null, is_admin = false, erased = erased or ${erase}
    where  user_nid = ${userNid}`;
}

export type AccountSummary = Omit<AccountRow, 'passwordHash'> & { createdAt: number };

/** A page of the accounts in the order of their user ids, beginning after one of them. */
export async function listAccounts(sql: Sql, afterUserId: string, limit: number): Promise<AccountSummary[]> {
  return await sql<AccountSummary[]>`
    select a.user_nid as "userNid", u.user_id as "userId", a.is_admin as "isAdmin", a.is_guest as "isGuest", a.status,
           a.created_at as "createdAt"
    from   accounts a
    join   users u using (user_nid)
    where  u.user_id > ${afterUserId}
    order  by u.user_id
    limit  ${limit}`;
}

/** Who asked, when they left for ever, that people who come later see nothing of what they said. */
export async function listErasedUsers(sql: Sql): Promise<number[]> {
  const rows = await sql<{ userNid: number }[]>`select user_nid as "userNid" from accounts where erased`;
  return rows.map((row) => row.userNid);
}
