import type { Sql } from './database.ts';
import type { Member } from './memberships.ts';

/** Who is joined to a room, of at most `maxMembers` joined members, that the user is joined to too; at most `limit` people. */
export async function listUsersSharingSmallRooms(
  sql: Sql,
  { userNid, maxMembers, limit }: { userNid: number; maxMembers: number; limit: number },
): Promise<Member[]> {
  return await sql<Member[]>`
    select distinct u.user_nid as "userNid", u.user_id as "userId", u.is_local as "isLocal"
    from   memberships mine
    cross  join lateral (
      select user_nid from memberships where room_nid = mine.room_nid and membership = 2 limit ${maxMembers + 1}
    ) theirs
    join   users u on u.user_nid = theirs.user_nid
    where  mine.user_nid = ${userNid} and mine.membership = 2 and theirs.user_nid <> ${userNid}
    and    (select count(*) from (
              select 1 from memberships m where m.room_nid = mine.room_nid and m.membership = 2 limit ${maxMembers + 1}
            ) counted) <= ${maxMembers}
    limit  ${limit}`;
}

/** Who is joined to those of the rooms that have at most `maxMembers` joined members. */
export async function listMembersOfSmallRooms(sql: Sql, roomNids: readonly number[], maxMembers: number): Promise<number[]> {
  if (roomNids.length === 0) return [];
  const rows = await sql<{ roomNid: number; userNid: number }[]>`
    select a.room_nid as "roomNid", m.user_nid as "userNid"
    from   unnest(${[...roomNids]}::bigint[]) as a(room_nid)
    cross  join lateral (select user_nid from memberships where room_nid = a.room_nid and membership = 2 limit ${maxMembers + 1}) m`;
  const small = [...Map.groupBy(rows, (row) => row.roomNid).values()].filter((ofRoom) => ofRoom.length <= maxMembers);
  return small.flat().map((row) => row.userNid);
}
