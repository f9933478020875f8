import type { Sql } from './database.ts';

export type FoundUser = { userId: string; displayName: string | null; avatarUrl: string | null };

/**
 * The people a user may find by a part of their user id or display name: active accounts of this server, and whoever shares a room with them.
 * Those whose id or name begins with the term come first.
 */
export async function searchUserDirectory(sql: Sql, userNid: number, term: string, limit: number): Promise<FoundUser[]> {
  const part = `%${term.replace(/[\\%_]/g, '\\$&')}%`;
  const start = part.slice(1);
  return await sql<FoundUser[]>`
    with reachable as (
      select user_nid from accounts where status = 'active' and not is_guest
      union
      select theirs.user_nid from memberships mine join memberships theirs using (room_nid)
      where  mine.user_nid = ${userNid} and mine.membership = 2 and theirs.membership = 2
    ), named as (
      select u.user_id, u.user_nid,
             coalesce((select p.value::jsonb #>> '{}' from profile_fields p where p.user_nid = u.user_nid and p.name = 'displayname'),
                      (select e.json::jsonb #>> '{content,displayname}' from memberships m join events e using (event_nid)
                       where m.user_nid = u.user_nid and m.membership = 2 and not u.is_local limit 1)) as display_name,
             coalesce((select p.value::jsonb #>> '{}' from profile_fields p where p.user_nid = u.user_nid and p.name = 'avatar_url'),
                      (select e.json::jsonb #>> '{content,avatar_url}' from memberships m join events e using (event_nid)
                       where m.user_nid = u.user_nid and m.membership = 2 and not u.is_local limit 1)) as avatar_url
      from   reachable r join users u using (user_nid)
      where  u.user_nid <> ${userNid}
    )
    select user_id as "userId", display_name as "displayName", avatar_url as "avatarUrl"
    from   named
    where  user_id ilike ${part} or display_name ilike ${part}
    order  by (user_id ilike ${`@${start}`} or display_name ilike ${start}) desc, user_id
    limit  ${limit}`;
}
