import type { Sql } from './database.ts';
import { isName } from './relation-of.ts';

export type UserRow = { userNid: number; userId: string; isLocal: boolean };

/** Gives each user id a number, making rows for those not seen before. `localServer` decides who is ours. */
export async function internUsers(sql: Sql, userIds: readonly string[], localServer: string): Promise<Map<string, number>> {
  const found = await findUserNids(sql, userIds);
  const missing = [...new Set(userIds)].filter((userId) => !found.has(userId));
  if (missing.length === 0) return found;

  await sql`
    insert into users (user_id, is_local)
    select id, substr(id, strpos(id, ':') + 1) = ${localServer} from unnest(${missing}::text[]) as id
    on conflict (user_id) do nothing`;
  return await findUserNids(sql, userIds);
}

/** The numbers of those user ids that have one. */
export async function findUserNids(sql: Sql, userIds: readonly string[]): Promise<Map<string, number>> {
  const names = userIds.filter(isName);
  if (names.length === 0) return new Map();
  const rows = await sql<{ userId: string; userNid: number }[]>`
    select user_id as "userId", user_nid as "userNid" from users where user_id = any(${names}::text[])`;
  return new Map(rows.map((row) => [row.userId, row.userNid]));
}

/** The users behind the numbers; unknown numbers are left out. */
export async function listUsersByNid(sql: Sql, userNids: readonly number[]): Promise<UserRow[]> {
  if (userNids.length === 0) return [];
  return await sql<UserRow[]>`
    select user_nid as "userNid", user_id as "userId", is_local as "isLocal"
    from   users
    where  user_nid = any(${[...userNids]}::bigint[])`;
}
