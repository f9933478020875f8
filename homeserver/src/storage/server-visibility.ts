import type { Sql } from './database.ts';

/**
 * Whether a user of the server was in the room at a position: joined, or with `invited` also invited. The stored text of a membership
 * event has no spaces, and a quote inside a string is escaped there, so the text can be searched.
 */
export async function wasServerInRoom(
  sql: Sql,
  { roomNid, serverName, position, invited }: { roomNid: number; serverName: string; position: number; invited: boolean },
): Promise<boolean> {
  const suffix = `:${serverName}`;
  const rows = await sql`
    select 1
    from   state_intervals s join state_keys k using (key_nid) join events e on e.event_nid = s.event_nid
    where  s.room_nid = ${roomNid} and s.from_pos <= ${position} and s.to_pos > ${position}
    and    k.type = 'm.room.member' and right(k.state_key, ${suffix.length}) = ${suffix}
    and    (e.json like '%"membership":"join"%' or (${invited} and e.json like '%"membership":"invite"%'))
    limit  1`;
  return rows.length > 0;
}
