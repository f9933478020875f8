import type { Sql } from './database.ts';

export type RoomRow = {
  roomNid: number;
  roomId: string;
  version: string;
  /** The event numbers of the forward extremities; null while nothing is committed. */
  heads: number[] | null;
  notifySeq: number;
  isPartial: boolean;
};

const COLUMNS = 'room_nid as "roomNid", room_id as "roomId", version, heads, notify_seq as "notifySeq", is_partial as "isPartial"';

/** Gives a room id a number. A row without heads is not yet a room: nobody can see it. */
export async function internRoom(sql: Sql, roomId: string, version: string): Promise<number> {
  const [row] = await sql<{ roomNid: number }[]>`
    insert into rooms (room_id, version) values (${roomId}, ${version})
    on conflict (room_id) do update set version = case when rooms.heads is null then excluded.version else rooms.version end
    returning room_nid as "roomNid"`;
  if (row === undefined) throw new Error(`the room ${roomId} could not be interned`);
  return row.roomNid;
}

export async function findRoom(sql: Sql, roomId: string): Promise<RoomRow | undefined> {
  const [row] = await sql<RoomRow[]>`select ${sql.unsafe(COLUMNS)} from rooms where room_id = ${roomId}`;
  return row;
}

export async function findRoomByNid(sql: Sql, roomNid: number): Promise<RoomRow | undefined> {
  const [row] = await sql<RoomRow[]>`select ${sql.unsafe(COLUMNS)} from rooms where room_nid = ${roomNid}`;
  return row;
}

/** Room ids by number. */
export async function findRoomIds(sql: Sql, roomNids: readonly number[]): Promise<Map<number, string>> {
  if (roomNids.length === 0) return new Map();
  const rows = await sql<{ roomNid: number; roomId: string }[]>`
    select room_nid as "roomNid", room_id as "roomId" from rooms where room_nid = any(${[...roomNids]}::bigint[])`;
  return new Map(rows.map((row) => [row.roomNid, row.roomId]));
}

/** How many members of each membership number the room has, by server. */
export async function countJoinedByServer(sql: Sql, roomNid: number): Promise<Map<string, number>> {
  const rows = await sql<{ server: string; joined: number }[]>`
    select substring(u.user_id from position(':' in u.user_id) + 1) as server, count(*)::bigint as joined
    from   memberships m join users u using (user_nid)
    where  m.room_nid = ${roomNid} and m.membership = 2
    group  by 1`;
  return new Map(rows.map((row) => [row.server, row.joined]));
}

/** Replaces the forward extremities of a room. The log writes them with its events; this is for what takes an event back. */
export async function setRoomHeads(sql: Sql, roomNid: number, heads: readonly number[]): Promise<void> {
  await sql`update rooms set heads = ${[...heads]}::bigint[] where room_nid = ${roomNid}`;
}
