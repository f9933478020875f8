import type { Sql } from './database.ts';

/** The room in which the server tells a person something. */
export async function findNoticeRoom(sql: Sql, userNid: number): Promise<{ roomNid: number; roomId: string } | undefined> {
  const [row] = await sql<{ roomNid: number; roomId: string }[]>`
    select room_nid as "roomNid", room_id as "roomId"
    from   server_notice_rooms join rooms using (room_nid)
    where  user_nid = ${userNid} and heads is not null`;
  return row;
}

export async function upsertNoticeRoom(sql: Sql, userNid: number, roomId: string): Promise<void> {
  await sql`
    insert into server_notice_rooms (user_nid, room_nid) select ${userNid}, room_nid from rooms where room_id = ${roomId}
    on conflict (user_nid) do update set room_nid = excluded.room_nid`;
}
