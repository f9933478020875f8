import type { Sql } from './database.ts';

/** A room as an admin sees it in a list. The state events' texts are JSON. */
export type RoomOverviewRow = {
  roomNid: number;
  roomId: string;
  version: string;
  joined: number;
  joinedLocal: number;
  stateEvents: number;
  isPublished: boolean;
  nameJson: string | null;
  aliasJson: string | null;
};

const STILL = 9_223_372_036_854_775_807n;

/** All rooms that there is anything of, at most so many; or one. */
export async function listRoomOverviews(
  sql: Sql,
  { roomId, limit }: { roomId?: string | undefined; limit: number },
): Promise<RoomOverviewRow[]> {
  const still = STILL.toString();
  const stateJson = (type: string) => sql`(
    select e.json
    from   state_keys k
    join   state_intervals s on s.key_nid = k.key_nid and s.room_nid = r.room_nid and s.to_pos = ${still}::bigint
    join   events e on e.event_nid = s.event_nid
    where  k.type = ${type} and k.state_key = '')`;
  return await sql<RoomOverviewRow[]>`
    select r.room_nid as "roomNid", r.room_id as "roomId", r.version,
           (select count(*) from memberships m where m.room_nid = r.room_nid and m.membership = 2) as joined,
           (select count(*) from memberships m join users u using (user_nid)
            where  m.room_nid = r.room_nid and m.membership = 2 and u.is_local) as "joinedLocal",
           (select count(*) from state_intervals s where s.room_nid = r.room_nid and s.to_pos = ${still}::bigint) as "stateEvents",
           exists (select from published_rooms p where p.room_nid = r.room_nid) as "isPublished",
           ${stateJson('m.room.name')} as "nameJson", ${stateJson('m.room.canonical_alias')} as "aliasJson"
    from   rooms r
    where  r.heads is not null ${roomId === undefined ? sql`` : sql`and r.room_id = ${roomId}`}
    order  by r.room_nid
    limit  ${limit}`;
}
