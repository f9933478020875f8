import type { Sql } from './database.ts';
import { MEMBERSHIP_WORDS, membershipNumber } from './memberships.ts';
import { readableJson } from './readable-json.ts';

/** The end of an interval that holds still, as text: it is more than a number holds. */
const STILL = '9223372036854775807';

export type PartialRoom = {
  roomNid: number;
  roomId: string;
  version: string;
  joinEventNid: number;
  joinEventId: string;
  joinPosition: number;
  resident: string;
  servers: string[];
};

/** Notes that a room is being joined without the memberships of most others. To be committed with the join. */
export async function beginPartialRoom(
  sql: Sql,
  room: Pick<PartialRoom, 'roomNid' | 'joinEventNid' | 'resident'> & { servers: readonly string[] },
): Promise<void> {
  await sql`
    with noted as (
      insert into partial_rooms (room_nid, join_event_nid, resident, servers)
      values (${room.roomNid}, ${room.joinEventNid}, ${room.resident}, ${[...room.servers]}::text[])
      on conflict (room_nid) do update set join_event_nid = excluded.join_event_nid, resident = excluded.resident, servers = excluded.servers
    )
    update rooms set is_partial = true, completed_pos = null where room_nid = ${room.roomNid}`;
}

/** The rooms whose state is still to be completed. */
export async function listPartialRooms(sql: Sql): Promise<PartialRoom[]> {
  return await sql<PartialRoom[]>`
    select p.room_nid as "roomNid", r.room_id as "roomId", r.version, p.join_event_nid as "joinEventNid", e.event_id as "joinEventId",
           e.position as "joinPosition", p.resident, p.servers
    from   partial_rooms p join rooms r using (room_nid) join events e on e.event_nid = p.join_event_nid
    order  by p.room_nid`;
}

/** Whether what came with this join is still all that is known of the room. Somebody who left and came back may have been given all of it. */
export async function isStillPartial(sql: Sql, { roomNid, joinEventNid }: Pick<PartialRoom, 'roomNid' | 'joinEventNid'>): Promise<boolean> {
  const rows = await sql`select 1 from partial_rooms where room_nid = ${roomNid} and join_event_nid = ${joinEventNid}`;
  return rows.length > 0;
}

/** The servers that were said to be in a room whose state is not complete. */
export async function listPartialServers(sql: Sql, roomNid: number): Promise<string[]> {
  const [row] = await sql<{ servers: string[] }[]>`select servers from partial_rooms where room_nid = ${roomNid}`;
  return row?.servers ?? [];
}

/** Those of the ids under which nothing is stored. */
export async function listUnstoredIds(sql: Sql, eventIds: readonly string[]): Promise<string[]> {
  if (eventIds.length === 0) return [];
  const rows = await sql<{ id: string }[]>`
    select a.id from unnest(${[...eventIds]}::text[]) as a(id) where not exists (select 1 from events e where e.event_id = a.id)`;
  return rows.map((row) => row.id);
}

export type StateEntryRow = { eventNid: number; keyNid: number; type: string; stateKey: string; membership: string | null };

/** The state events among the ids that may be part of the room's state, without their texts. */
export async function listStateEntries(sql: Sql, roomNid: number, eventIds: readonly string[]): Promise<StateEntryRow[]> {
  return await sql<StateEntryRow[]>`
    select e.event_nid as "eventNid", e.key_nid as "keyNid", e.type, k.state_key as "stateKey",
           case when e.type = 'm.room.member' then ${readableJson(sql)} -> 'content' ->> 'membership' end as membership
    from   events e join state_keys k using (key_nid)
    where  e.event_id = any(${[...eventIds]}::text[]) and e.room_nid = ${roomNid} and e.kind <> 4`;
}

/** Makes entries part of the state from a position on, each until the key's next change. Keys that had a holder then are left alone. */
export async function insertLateState(
  sql: Sql,
  roomNid: number,
  { from, entries }: { from: number; entries: readonly { keyNid: number; eventNid: number }[] },
): Promise<void> {
  await sql`
    insert into state_intervals (room_nid, key_nid, from_pos, to_pos, event_nid)
    select ${roomNid}, a.key_nid, ${from},
           coalesce((select min(s.from_pos) from state_intervals s
                     where s.room_nid = ${roomNid} and s.key_nid = a.key_nid and s.from_pos > ${from}), 9223372036854775807),
           a.event_nid
    from   unnest(${entries.map((entry) => entry.keyNid)}::bigint[], ${entries.map((entry) => entry.eventNid)}::bigint[]) as a(key_nid, event_nid)
    where  not exists (select 1 from state_intervals s
                       where s.room_nid = ${roomNid} and s.key_nid = a.key_nid and s.from_pos <= ${from} and s.to_pos > ${from})`;
}

/** Notes the memberships of people of whom nothing newer is known. */
export async function insertLateMemberships(
  sql: Sql,
  roomNid: number,
  { position, members }: { position: number; members: readonly { userNid: number; membership: number; eventNid: number }[] },
): Promise<void> {
  if (members.length === 0) return;
  await sql`
    insert into memberships (room_nid, user_nid, membership, position, event_nid)
    select ${roomNid}, a.user_nid, a.membership, ${position}, a.event_nid
    from   unnest(${members.map((member) => member.userNid)}::bigint[], ${members.map((member) => member.membership)}::smallint[],
                  ${members.map((member) => member.eventNid)}::bigint[]) as a(user_nid, membership, event_nid)
    on conflict (room_nid, user_nid) do nothing`;
}

/** Which of the state events of these ids holds a key. */
export async function findHolderAmong(sql: Sql, roomNid: number, keyNid: number, eventIds: readonly string[]): Promise<number | undefined> {
  const [row] = await sql<{ eventNid: number }[]>`
    select event_nid as "eventNid" from events
    where  event_id = any(${[...eventIds]}::text[]) and room_nid = ${roomNid} and key_nid = ${keyNid} and kind <> 4`;
  return row?.eventNid;
}

/**
 * The state before our join is from now on the room's at the join, but for the join itself: what is then added to the room's as having held
 * at the join is part of both, and what builds upon the join does not seem to take it away.
 */
export async function layStateBeforeJoin(
  sql: Sql,
  {
    joinEventNid,
    joinPosition,
    keyNid,
    before,
  }: {
    joinEventNid: number;
    joinPosition: number;
    keyNid: number;
    /** What held the join's key before. */
    before: number | null;
  },
): Promise<void> {
  // What was known of the state before the join is nobody else's base.
  await sql`delete from state_snapshots s using events e where e.event_nid = ${joinEventNid} and s.snapshot_id = e.base_snapshot`;
  await sql`update events set base_pos = ${joinPosition}, base_snapshot = null where event_nid = ${joinEventNid}`;
  await sql`
    insert into state_deltas (event_nid, key_nid, state_event_nid) values (${joinEventNid}, ${keyNid}, ${before})
    on conflict (event_nid, key_nid) do update set state_event_nid = excluded.state_event_nid`;
}

/** The state is whole. */
export async function finishPartialRoom(sql: Sql, { roomNid, position }: { roomNid: number; position: number }): Promise<void> {
  await sql`update rooms set is_partial = false, completed_pos = ${position} where room_nid = ${roomNid}`;
  await sql`delete from partial_rooms where room_nid = ${roomNid}`;
}

/** From a position on the room is shown as it is known, though its state is not complete. */
export async function showPartialRoom(sql: Sql, { roomNid, position }: { roomNid: number; position: number }): Promise<void> {
  await sql`update rooms set completed_pos = ${position} where room_nid = ${roomNid} and is_partial and completed_pos is null`;
}

/** Whether a user of this server is in the room no more because somebody of another server has said so. */
export async function wasPutOutByOthers(sql: Sql, roomNid: number): Promise<boolean> {
  const rows = await sql`
    select 1 from memberships m join users u using (user_nid) join events e on e.event_nid = m.event_nid
    join   users s on s.user_nid = e.sender_nid
    where  m.room_nid = ${roomNid} and m.membership = any(${['leave', 'ban'].map(membershipNumber)}::smallint[]) and u.is_local and not s.is_local
    limit  1`;
  return rows.length > 0;
}

/** The room's state stays as it is: nobody of ours is there any more, or it was given whole with a later join. */
export async function abandonPartialRoom(sql: Sql, roomNid: number): Promise<void> {
  await sql`update rooms set is_partial = false where room_nid = ${roomNid}`;
  await sql`delete from partial_rooms where room_nid = ${roomNid}`;
}

/** The timeline events of a room in (after, upTo] that other servers' users sent, oldest first. */
export async function listRemoteEventNids(
  sql: Sql,
  { roomNid, after, upTo, limit }: { roomNid: number; after: number; upTo: number; limit: number },
): Promise<{ eventNid: number; position: number }[]> {
  return await sql<{ eventNid: number; position: number }[]>`
    select e.event_nid as "eventNid", e.position from events e join users u on u.user_nid = e.sender_nid
    where  e.room_nid = ${roomNid} and e.position > ${after} and e.position <= ${upTo} and not u.is_local
    order  by e.position
    limit  ${limit}`;
}

/**
 * Takes an event that turned out not to be allowed out of the timeline, and out of the state that it had come into: what it had replaced
 * holds the key as if it had always done so. Where the event stood in the state until now, that is news, and opens an interval at `position`.
 */
export async function retractEvent(
  sql: Sql,
  { eventNid, roomNid, reason, position }: { eventNid: number; roomNid: number; reason: string; position: number },
): Promise<void> {
  const gone = await sql<{ keyNid: number; fromPos: number; toPos: string }[]>`
    delete from state_intervals where room_nid = ${roomNid} and event_nid = ${eventNid}
    returning key_nid as "keyNid", from_pos as "fromPos", to_pos::text as "toPos"`;
  for (const { keyNid, fromPos, toPos } of gone) {
    const upTo = toPos === STILL ? String(position) : toPos;
    const [older] = await sql<{ eventNid: number }[]>`
      update state_intervals set to_pos = ${upTo}::bigint
      where  room_nid = ${roomNid} and key_nid = ${keyNid} and to_pos = ${fromPos}
      returning event_nid as "eventNid"`;
    if (older !== undefined && toPos === STILL)
      await sql`
        insert into state_intervals (room_nid, key_nid, from_pos, to_pos, event_nid)
        values (${roomNid}, ${keyNid}, ${position}, ${STILL}::bigint, ${older.eventNid})`;
    await restoreMembership(sql, { roomNid, keyNid, eventNid, olderNid: older?.eventNid ?? null, position });
  }
  await sql`update events set kind = 4, position = null, reason = ${reason} where event_nid = ${eventNid}`;
}

/** Whose standing came from a retracted event has the one from before it; who had none has left. */
async function restoreMembership(
  sql: Sql,
  given: { roomNid: number; keyNid: number; eventNid: number; olderNid: number | null; position: number },
): Promise<void> {
  const { roomNid, keyNid, eventNid, olderNid, position } = given;
  await sql`
    update memberships m
    set    membership = coalesce((select array_position(${[...MEMBERSHIP_WORDS]}::text[], ${readableJson(sql)} -> 'content' ->> 'membership')
                                  from events e where e.event_nid = ${olderNid}::bigint), ${membershipNumber('leave')}),
           event_nid = ${olderNid}, position = ${position}, forgotten = false
    from   state_keys k, users u
    where  k.key_nid = ${keyNid} and k.type = 'm.room.member' and u.user_id = k.state_key
    and    m.room_nid = ${roomNid} and m.user_nid = u.user_nid and m.event_nid = ${eventNid}`;
}
