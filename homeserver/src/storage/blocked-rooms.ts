import type { Sql } from './database.ts';

/** Keeps the people of this server out of a room, or lets them in again. */
export async function setBlocked(sql: Sql, roomId: string, blockedBy: number | undefined): Promise<void> {
  if (blockedBy === undefined) await sql`delete from blocked_rooms where room_id = ${roomId}`;
  else await sql`insert into blocked_rooms (room_id, blocked_by) values (${roomId}, ${blockedBy}) on conflict do nothing`;
}

/** Who blocked the room, if anybody did. */
export async function findBlock(sql: Sql, roomId: string): Promise<string | undefined> {
  const [row] = await sql<{ userId: string }[]>`
    select u.user_id as "userId" from blocked_rooms b join users u on u.user_nid = b.blocked_by where b.room_id = ${roomId}`;
  return row?.userId;
}
