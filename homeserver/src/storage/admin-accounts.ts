import type { PendingQuery, Row } from 'postgres';
import type { AccountStatus } from './accounts.ts';
import type { Sql } from './database.ts';

/** An account as an admin sees it in a list. Times in ms; profile fields are JSON text. */
export type AccountOverview = {
  userNid: number;
  userId: string;
  isAdmin: boolean;
  isGuest: boolean;
  status: AccountStatus;
  erased: boolean;
  createdAt: number;
  lastSeenAt: number | null;
  displayName: string | null;
  avatarUrl: string | null;
};

export type AccountOrder = 'name' | 'is_guest' | 'admin' | 'deactivated' | 'displayname' | 'avatar_url' | 'creation_ts' | 'last_seen_ts';

export type AccountFilter = {
  /** Part of the user id. */
  userId?: string | undefined;
  /** Part of the user id or of the display name. */
  name?: string | undefined;
  guests?: boolean | undefined;
  deactivated?: boolean | undefined;
  locked?: boolean | undefined;
  admins?: boolean | undefined;
};

const ORDERS: Readonly<Record<AccountOrder, string>> = {
  name: 'user_id',
  is_guest: 'is_guest',
  admin: 'is_admin',
  deactivated: "status = 'deactivated'",
  displayname: 'display_name',
  avatar_url: 'avatar_url',
  creation_ts: 'created_at',
  last_seen_ts: 'last_seen_at',
};

function overview(sql: Sql, where: PendingQuery<Row[]>): PendingQuery<Row[]> {
  return sql`
    select * from (
      select a.user_nid, u.user_id, a.is_admin, a.is_guest, a.status, a.erased, a.created_at,
             (select max(d.last_seen_at) from devices d where d.user_nid = a.user_nid) as last_seen_at,
             (select p.value from profile_fields p where p.user_nid = a.user_nid and p.name = 'displayname') as display_name,
             (select p.value from profile_fields p where p.user_nid = a.user_nid and p.name = 'avatar_url') as avatar_url
      from   accounts a join users u using (user_nid)
    ) o
    ${where}`;
}

const COLUMNS = `user_nid as "userNid", user_id as "userId", is_admin as "isAdmin", is_guest as "isGuest", status, erased,
  created_at as "createdAt", last_seen_at as "lastSeenAt", display_name as "displayName", avatar_url as "avatarUrl"`;

/** A page of the accounts that fit, and how many do. */
export async function listAccountOverviews(
  sql: Sql,
  filter: AccountFilter,
  page: { from: number; limit: number; orderBy: AccountOrder; isDescending: boolean },
): Promise<{ accounts: AccountOverview[]; total: number }> {
  const conditions = [
    ...(filter.userId === undefined ? [] : [sql`strpos(user_id, ${filter.userId.toLowerCase()}) > 0`]),
    ...(filter.name === undefined
      ? []
      : [sql`(strpos(user_id, ${filter.name.toLowerCase()}) > 0 or strpos(lower(display_name), ${filter.name.toLowerCase()}) > 0)`]),
    ...(filter.guests === false ? [sql`not is_guest`] : []),
    ...(filter.deactivated === true ? [] : [sql`status <> 'deactivated'`]),
    ...(filter.locked === true ? [] : [sql`status <> 'locked'`]),
    ...(filter.admins === undefined ? [] : [sql`is_admin = ${filter.admins}`]),
  ];
  const where = conditions.reduce((all, condition) => sql`${all} and ${condition}`, sql`where true`);
  const order = sql.unsafe(`order by ${ORDERS[page.orderBy]} ${page.isDescending ? 'desc' : 'asc'} nulls last, user_id`);
  const accounts = await sql<AccountOverview[]>`
    select ${sql.unsafe(COLUMNS)} from (${overview(sql, where)}) page ${order} limit ${page.limit} offset ${page.from}`;
  const [row] = await sql<{ total: number }[]>`select count(*) as total from (${overview(sql, where)}) every`;
  return { accounts, total: row?.total ?? 0 };
}

export async function findAccountOverview(sql: Sql, userId: string): Promise<AccountOverview | undefined> {
  const [row] = await sql<AccountOverview[]>`
    select ${sql.unsafe(COLUMNS)} from (${overview(sql, sql`where user_id = ${userId}`)}) one`;
  return row;
}
