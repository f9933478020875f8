import type { Sql } from './database.ts';
import { readableJson } from './readable-json.ts';

const EVERYBODY = 0;

/** Notes that a person's devices changed, for one other person or for everybody who shares a room. */
export async function recordDeviceListChange(
  sql: Sql,
  change: { position: number; userNid: number; seenBy: number | undefined },
): Promise<void> {
  await sql`
    insert into device_list_changes (user_nid, seen_by, position)
    values (${change.userNid}, ${change.seenBy ?? EVERYBODY}, ${change.position})
    on conflict (user_nid, seen_by) do update set position = greatest(device_list_changes.position, excluded.position)`;
}

/**
 * Who is to hear of a person's devices: local people by number, other servers by name; everybody who shares a room, and the servers that
 * are said to be in one whose members are not known yet.
 */
export async function listSharers(sql: Sql, userNid: number): Promise<{ localNids: number[]; servers: string[] }> {
  const rows = await sql<{ userNid: number | null; server: string | null }[]>`
    with shared as (
      select distinct theirs.user_nid
      from   memberships mine join memberships theirs on theirs.room_nid = mine.room_nid and theirs.membership = 2
      where  mine.user_nid = ${userNid} and mine.membership = 2
    )
    select user_nid as "userNid", null as server from shared join users using (user_nid) where is_local
    union
    select distinct null::bigint, substr(user_id, strpos(user_id, ':') + 1) from shared join users using (user_nid) where not is_local
    union
    select null::bigint, unnest(p.servers)
    from   memberships mine join partial_rooms p using (room_nid)
    where  mine.user_nid = ${userNid} and mine.membership = 2`;
  return {
    localNids: rows.flatMap((row) => (row.userNid === null ? [] : [row.userNid])),
    servers: rows.flatMap((row) => (row.server === null ? [] : [row.server])),
  };
}

/** Notes that an update was sent to servers, and returns which update each was sent before, if any. */
export async function recordUpdateSent(
  sql: Sql,
  { userNid, servers, streamId }: { userNid: number; servers: readonly string[]; streamId: number },
): Promise<Map<string, number>> {
  const rows = await sql<{ destination: string; streamId: number }[]>`
    select destination, stream_id as "streamId"
    from   device_lists_sent
    where  user_nid = ${userNid} and destination = any(${[...servers]}::text[])`;
  await sql`
    insert into device_lists_sent (destination, user_nid, stream_id)
    select destination, ${userNid}, ${streamId} from unnest(${[...servers]}::text[]) as destination
    on conflict (user_nid, destination) do update set stream_id = excluded.stream_id`;
  return new Map(rows.map((row) => [row.destination, row.streamId]));
}

/** The position of the last change to a person's devices; 0 when there was none. */
export async function findLastDeviceListChange(sql: Sql, userNid: number): Promise<number> {
  const [row] = await sql<{ position: number }[]>`
    select position from device_list_changes where user_nid = ${userNid} and seen_by = ${EVERYBODY}`;
  return row?.position ?? 0;
}

/** The local members of a room whose devices changed after a position, and when they did last. */
export async function listChangedLocalMembers(
  sql: Sql,
  roomNid: number,
  after: number,
): Promise<{ userNid: number; userId: string; position: number }[]> {
  return await sql<{ userNid: number; userId: string; position: number }[]>`
    select u.user_nid as "userNid", u.user_id as "userId", c.position
    from   memberships m
    join   users u using (user_nid)
    join   device_list_changes c on c.user_nid = m.user_nid and c.seen_by = ${EVERYBODY} and c.position > ${after}
    where  m.room_nid = ${roomNid} and m.membership = 2 and u.is_local`;
}

/** The rooms of a person of which all members came to be known in (after, upTo]. */
export async function listCompletedRooms(sql: Sql, { userNid, after, upTo }: Range): Promise<number[]> {
  const rows = await sql<{ roomNid: number }[]>`
    select m.room_nid as "roomNid"
    from   memberships m join rooms r using (room_nid)
    where  m.user_nid = ${userNid} and m.membership = 2 and r.completed_pos > ${after} and r.completed_pos <= ${upTo}`;
  return rows.map((row) => row.roomNid);
}

type Range = { userNid: number; after: number; upTo: number };

/** Whose devices changed in (after, upTo], among those who share a room with a person now, and the person. */
export async function listChangedSharers(sql: Sql, { userNid, after, upTo }: Range): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    with changed as (
      select distinct user_nid from device_list_changes
      where  position > ${after} and position <= ${upTo} and seen_by in (${EVERYBODY}, ${userNid})
    )
    select u.user_id as "userId"
    from   changed c join users u using (user_nid)
    where  c.user_nid = ${userNid}
    or     exists (
      select from memberships mine join memberships theirs on theirs.room_nid = mine.room_nid and theirs.membership = 2
      where  mine.user_nid = ${userNid} and mine.membership = 2 and theirs.user_nid = c.user_nid
    )`;
  return rows.map((row) => row.userId);
}

/**
 * The membership events of a person's rooms that took effect in (after, upTo], one per (room, member): what the membership is now, and
 * whether the member was joined at `after`. Of the person's own as well, in rooms left since too.
 */
export async function listMembershipChanges(
  sql: Sql,
  { userNid, after, upTo }: Range,
): Promise<{ roomNid: number; userNid: number; userId: string; wasJoined: boolean; isJoined: boolean }[]> {
  return await sql<{ roomNid: number; userNid: number; userId: string; wasJoined: boolean; isJoined: boolean }[]>`
    with changed as (
      select distinct i.room_nid, i.key_nid
      from   memberships mine
      join   state_intervals i on i.room_nid = mine.room_nid and i.from_pos > ${after} and i.from_pos <= ${upTo}
      join   state_keys k on k.key_nid = i.key_nid and k.type = 'm.room.member'
      where  mine.user_nid = ${userNid} and (mine.membership = 2 or mine.position > ${after})
    )
    select c.room_nid as "roomNid", u.user_nid as "userNid", u.user_id as "userId",
           coalesce((
             select ${readableJson(sql)}->'content'->>'membership' = 'join'
             from   state_intervals i join events e using (event_nid)
             where  i.room_nid = c.room_nid and i.key_nid = c.key_nid and i.from_pos <= ${after} and i.to_pos > ${after}
           ), false) as "wasJoined",
           coalesce(m.membership = 2, false) as "isJoined"
    from   changed c
    join   state_keys k using (key_nid)
    join   users u on u.user_id = k.state_key
    left   join memberships m on m.room_nid = c.room_nid and m.user_nid = u.user_nid`;
}

/** Everybody who is joined to one of these rooms. */
export async function listMembersOfRooms(sql: Sql, roomNids: readonly number[]): Promise<{ userNid: number; userId: string }[]> {
  return await sql<{ userNid: number; userId: string }[]>`
    select distinct u.user_nid as "userNid", u.user_id as "userId"
    from   memberships m join users u using (user_nid)
    where  m.room_nid = any(${[...roomNids]}::bigint[]) and m.membership = 2`;
}

/** Which of these people share a room with a person now. */
export async function filterSharers(sql: Sql, userNid: number, userNids: readonly number[]): Promise<Set<number>> {
  const rows = await sql<{ userNid: number }[]>`
    select distinct theirs.user_nid as "userNid"
    from   memberships mine join memberships theirs on theirs.room_nid = mine.room_nid and theirs.membership = 2
    where  mine.user_nid = ${userNid} and mine.membership = 2 and theirs.user_nid = any(${[...userNids]}::bigint[])`;
  return new Set(rows.map((row) => row.userNid));
}

/** Which of these people of other servers share a room with anybody here. */
export async function filterKnownRemotes(sql: Sql, userNids: readonly number[]): Promise<Set<number>> {
  const rows = await sql<{ userNid: number }[]>`
    select distinct theirs.user_nid as "userNid"
    from   memberships theirs
    where  theirs.user_nid = any(${[...userNids]}::bigint[]) and theirs.membership = 2
    and    exists (
      select from memberships ours join users u using (user_nid)
      where  ours.room_nid = theirs.room_nid and ours.membership = 2 and u.is_local
    )`;
  return new Set(rows.map((row) => row.userNid));
}

export type RemoteDeviceList = { userNid: number; streamId: number; isStale: boolean };

export async function listRemoteDeviceLists(sql: Sql, userNids: readonly number[]): Promise<RemoteDeviceList[]> {
  return await sql<RemoteDeviceList[]>`
    select user_nid as "userNid", stream_id as "streamId", is_stale as "isStale"
    from   remote_device_lists
    where  user_nid = any(${[...userNids]}::bigint[])`;
}

export async function upsertRemoteDeviceList(sql: Sql, { userNid, streamId, isStale }: RemoteDeviceList): Promise<void> {
  await sql`
    insert into remote_device_lists (user_nid, stream_id, is_stale) values (${userNid}, ${streamId}, ${isStale})
    on conflict (user_nid) do update set stream_id = excluded.stream_id, is_stale = excluded.is_stale`;
}

/**
 * Notes how far the list goes that was fetched of a person of another server. Whether it counts as up to date: not when an update that it
 * lacks came since it was asked for, when `before` was how far the list went, and not when nobody here shares a room any more.
 */
export async function saveFetchedDeviceList(
  sql: Sql,
  { userNid, streamId, before, isTracked }: { userNid: number; streamId: number; before: number; isTracked: boolean },
): Promise<void> {
  await sql`
    insert into remote_device_lists as kept (user_nid, stream_id, is_stale) values (${userNid}, ${streamId}, ${!isTracked})
    on conflict (user_nid) do update
    set stream_id = case when kept.stream_id > greatest(${before}::bigint, excluded.stream_id) then kept.stream_id else excluded.stream_id end,
        is_stale  = excluded.is_stale or kept.stream_id > greatest(${before}::bigint, excluded.stream_id)`;
}

/** Has the device lists of some people of other servers asked for again before they are used. */
export async function markRemoteDeviceListsStale(sql: Sql, userNids: readonly number[]): Promise<void> {
  await sql`update remote_device_lists set is_stale = true where user_nid = any(${[...userNids]}::bigint[])`;
}

/** The same for everybody of other servers in rooms that nobody of this server is in any more. */
export async function markStaleInAbandonedRooms(sql: Sql, roomNids: readonly number[]): Promise<void> {
  await sql`
    update remote_device_lists r set is_stale = true
    from   memberships m
    where  m.room_nid = any(${[...roomNids]}::bigint[]) and m.user_nid = r.user_nid
    and    not exists (
      select from memberships ours join users u using (user_nid)
      where  ours.room_nid = m.room_nid and ours.membership = 2 and u.is_local
    )`;
}
