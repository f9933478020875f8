import type { Sql } from './database.ts';
import { readableJson } from './readable-json.ts';

export type FoundUser = { userId: string; displayName: string | null; avatarUrl: string | null };

/** Whom a user may find: who shares a room with them or is in a room that anybody may join or read; or, beside these, everybody of this server. */
export type DirectoryScope = 'rooms' | 'all';

/**
 * The people a user may find by a part of their user id or display name. Those whose id or name begins with the term come first. The name
 * of a person of this server is that of their profile, never one that they bear in a single room.
 */
export async function searchUserDirectory(
  sql: Sql,
  userNid: number,
  { term, limit, scope }: { term: string; limit: number; scope: DirectoryScope },
): Promise<FoundUser[]> {
  const part = `%${term.replace(/[\\%_]/g, '\\$&')}%`;
  const start = part.slice(1);
  return await sql<FoundUser[]>`
    with open_rooms as (
      select distinct s.room_nid
      from   state_intervals s join state_keys k using (key_nid) join events e using (event_nid)
      where  s.to_pos = 9223372036854775807 and k.state_key = ''
      and    (k.type = 'm.room.join_rules' and ${readableJson(sql)} #>> '{content,join_rule}' = 'public'
              or k.type = 'm.room.history_visibility' and ${readableJson(sql)} #>> '{content,history_visibility}' = 'world_readable')
      -- A room that everybody here has left is not followed any more.
      and    exists (select from memberships m join users u using (user_nid) where m.room_nid = s.room_nid and m.membership = 2 and u.is_local)
    ), searched_rooms as (
      select room_nid from memberships where user_nid = ${userNid} and membership = 2
      union
      select room_nid from open_rooms
    ), reachable as (
      select distinct on (m.user_nid) m.user_nid, m.event_nid
      from   memberships m join searched_rooms using (room_nid)
      where  m.membership = 2
      order  by m.user_nid, m.position desc
    ), everybody as (
      select user_nid, event_nid from reachable
      ${scope === 'all' ? sql`union all select user_nid, null from accounts a where not exists (select from reachable r where r.user_nid = a.user_nid)` : sql``}
    ), named as (
      select u.user_id, u.user_nid,
             case when u.is_local
                  then (select p.value::jsonb #>> '{}' from profile_fields p where p.user_nid = u.user_nid and p.name = 'displayname')
                  else (select ${readableJson(sql)} #>> '{content,displayname}' from events e where e.event_nid = x.event_nid) end as display_name,
             case when u.is_local
                  then (select p.value::jsonb #>> '{}' from profile_fields p where p.user_nid = u.user_nid and p.name = 'avatar_url')
                  else (select ${readableJson(sql)} #>> '{content,avatar_url}' from events e where e.event_nid = x.event_nid) end as avatar_url
      from   everybody x join users u using (user_nid)
      where  u.user_nid <> ${userNid}
      and    (not u.is_local or exists (select from accounts a where a.user_nid = u.user_nid and a.status = 'active' and not a.is_guest))
    )
    select user_id as "userId", display_name as "displayName", avatar_url as "avatarUrl"
    from   named
    where  user_id ilike ${part} or display_name ilike ${part}
    order  by (user_id ilike ${`@${start}`} or display_name ilike ${start}) desc, user_id
    limit  ${limit}`;
}
