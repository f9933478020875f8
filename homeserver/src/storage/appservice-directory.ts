import type { Sql } from './database.ts';

type Listing = { appserviceNid: number; networkId: string; roomNid: number };

/** Lists a room in the directory of a service's network, or takes it out. */
export async function setPublishedByAppservice(sql: Sql, { appserviceNid, networkId, roomNid }: Listing, isListed: boolean): Promise<void> {
  if (isListed)
    await sql`
      insert into appservice_published_rooms (appservice_nid, network_id, room_nid) values (${appserviceNid}, ${networkId}, ${roomNid})
      on conflict do nothing`;
  else
    await sql`
      delete from appservice_published_rooms
      where  appservice_nid = ${appserviceNid} and network_id = ${networkId} and room_nid = ${roomNid}`;
}

/** The rooms that the server and all services list, or that one network of one service lists; those with most members first. */
export async function listRoomsOfNetworks(
  sql: Sql,
  network: 'all' | { appserviceId: string; networkId: string },
): Promise<{ roomNid: number; roomId: string; joined: number }[]> {
  const listed =
    network === 'all'
      ? sql`select room_nid from published_rooms union select room_nid from appservice_published_rooms`
      : sql`select p.room_nid from appservice_published_rooms p join appservices a using (appservice_nid)
            where a.appservice_id = ${network.appserviceId} and p.network_id = ${network.networkId}`;
  return await sql<{ roomNid: number; roomId: string; joined: number }[]>`
    select l.room_nid as "roomNid", r.room_id as "roomId",
           (select count(*) from memberships m where m.room_nid = l.room_nid and m.membership = 2)::bigint as joined
    from   (${listed}) l join rooms r using (room_nid)
    order  by joined desc, l.room_nid`;
}
