import type { Sql } from './database.ts';

export type Membership = 'invite' | 'join' | 'leave' | 'ban' | 'knock';

/** In the order of their numbers, of which the first is 1. */
export const MEMBERSHIP_WORDS: readonly Membership[] = ['invite', 'join', 'leave', 'ban', 'knock'];
const MEMBERSHIPS: readonly (Membership | undefined)[] = [undefined, ...MEMBERSHIP_WORDS];

/** The number by which a membership is stored; 0 for a word that is none. */
export function membershipNumber(membership: unknown): number {
  const index = (MEMBERSHIPS as readonly unknown[]).indexOf(membership);
  return index === -1 ? 0 : index;
}

/** The word behind a stored number. */
export function membershipWord(number: number): Membership {
  const word = MEMBERSHIPS[number];
  if (word === undefined) throw new Error(`no membership is stored as ${number}`);
  return word;
}

export type UserMembership = {
  roomNid: number;
  roomId: string;
  membership: Membership;
  position: number;
  eventNid: number | null;
  /** Who sent that event; null when only its stripped form is known. */
  senderNid: number | null;
  strippedState: string | null;
  forgotten: boolean;
  /** The room's members are not all known yet. */
  isPartial: boolean;
  /** The position at which they came to be known, where they were not from the beginning. */
  completedPos: number | null;
};

type UserMembershipRow = Omit<UserMembership, 'membership'> & { membership: number };

/** Every room that the user has to do with, forgotten ones left out unless asked for. */
export async function listMembershipsOfUser(sql: Sql, userNid: number): Promise<UserMembership[]> {
  const rows = await sql<UserMembershipRow[]>`
    select m.room_nid as "roomNid", r.room_id as "roomId", m.membership, m.position, m.event_nid as "eventNid",
           e.sender_nid as "senderNid", m.stripped_state as "strippedState", m.forgotten,
           r.is_partial as "isPartial", r.completed_pos as "completedPos"
    from   memberships m join rooms r using (room_nid) left join events e using (event_nid)
    where  m.user_nid = ${userNid} and not m.forgotten`;
  return rows.map((row) => ({ ...row, membership: membershipWord(row.membership) }));
}

/** The user's standing in one room. */
export async function findMembership(sql: Sql, roomNid: number, userNid: number): Promise<UserMembership | undefined> {
  const [row] = await sql<UserMembershipRow[]>`
    select m.room_nid as "roomNid", r.room_id as "roomId", m.membership, m.position, m.event_nid as "eventNid",
           e.sender_nid as "senderNid", m.stripped_state as "strippedState", m.forgotten,
           r.is_partial as "isPartial", r.completed_pos as "completedPos"
    from   memberships m join rooms r using (room_nid) left join events e using (event_nid)
    where  m.room_nid = ${roomNid} and m.user_nid = ${userNid}`;
  return row === undefined ? undefined : { ...row, membership: membershipWord(row.membership) };
}

export type Member = { userNid: number; userId: string; isLocal: boolean };

/** Who is joined to the room; with `localOnly`, of this server. */
export async function listJoinedMembers(sql: Sql, roomNid: number, { localOnly }: { localOnly: boolean }): Promise<Member[]> {
  const where = localOnly ? sql`and u.is_local` : sql``;
  return await sql<Member[]>`
    select u.user_nid as "userNid", u.user_id as "userId", u.is_local as "isLocal"
    from   memberships m join users u using (user_nid)
    where  m.room_nid = ${roomNid} and m.membership = 2 ${where}`;
}

/** The ids of those who were joined at a log position: those of now, but for whoever's membership became another since then. */
export async function listJoinedAt(sql: Sql, roomNid: number, at: number): Promise<string[]> {
  const rows = await sql<{ userId: string }[]>`
    with changed as (
      select k.key_nid, k.state_key
      from  (select key_nid from state_intervals where room_nid = ${roomNid} and from_pos > ${at}
             union
             select key_nid from state_intervals where room_nid = ${roomNid} and to_pos > ${at} and to_pos < 9223372036854775807) c
      join   state_keys k using (key_nid)
      where  k.type = 'm.room.member'
    )
    select u.user_id as "userId"
    from   memberships m join users u using (user_nid)
    where  m.room_nid = ${roomNid} and m.membership = 2 and not exists (select from changed c where c.state_key = u.user_id)
    union
    select c.state_key
    from   changed c
    join   state_intervals s on s.room_nid = ${roomNid} and s.key_nid = c.key_nid and s.from_pos <= ${at} and s.to_pos > ${at}
    join   events e using (event_nid)
    where  e.json::json->'content'->>'membership' = 'join'`;
  return rows.map(({ userId }) => userId);
}

/** Marks a left room forgotten, so that it is listed no more. */
export async function markForgotten(sql: Sql, roomNid: number, userNid: number): Promise<void> {
  await sql`update memberships set forgotten = true where room_nid = ${roomNid} and user_nid = ${userNid} and membership in (3, 4)`;
}

/** Whether a user of the server is invited to the room. */
export async function isServerInvited(sql: Sql, roomNid: number, serverName: string): Promise<boolean> {
  const suffix = `:${serverName}`;
  const rows = await sql`
    select 1 from memberships m join users u using (user_nid)
    where  m.room_nid = ${roomNid} and m.membership = 1 and right(u.user_id, ${suffix.length}::int) = ${suffix}
    limit  1`;
  return rows.length > 0;
}

/** The rooms that a user and another are both joined to, after one, and how many they are in all. */
export async function listSharedRooms(
  sql: Sql,
  { userNid, otherId, after, limit }: { userNid: number; otherId: string; after: number; limit: number },
): Promise<{ rooms: { roomNid: number; roomId: string }[]; count: number }> {
  const shared = sql`
    from   memberships mine
    join   memberships theirs on theirs.room_nid = mine.room_nid and theirs.membership = 2
    join   users u on u.user_nid = theirs.user_nid and u.user_id = ${otherId}
    join   rooms r on r.room_nid = mine.room_nid
    where  mine.user_nid = ${userNid} and mine.membership = 2`;
  const rooms = await sql<{ roomNid: number; roomId: string }[]>`
    select r.room_nid as "roomNid", r.room_id as "roomId" ${shared} and mine.room_nid > ${after} order by mine.room_nid limit ${limit}`;
  const [row] = await sql<{ count: number }[]>`select count(*) as count ${shared}`;
  return { rooms, count: row?.count ?? 0 };
}

/** The guests of this server who are joined to the room. */
export async function listJoinedGuests(sql: Sql, roomNid: number): Promise<{ userNid: number; userId: string }[]> {
  return await sql<{ userNid: number; userId: string }[]>`
    select u.user_nid as "userNid", u.user_id as "userId"
    from   memberships m join users u using (user_nid) join accounts a using (user_nid)
    where  m.room_nid = ${roomNid} and m.membership = 2 and a.is_guest`;
}

/** The rooms that guests of this server are joined to. */
export async function listRoomsWithGuests(sql: Sql): Promise<number[]> {
  const rows = await sql<{ roomNid: number }[]>`
    select distinct m.room_nid as "roomNid" from accounts a join memberships m using (user_nid) where a.is_guest and m.membership = 2`;
  return rows.map((row) => row.roomNid);
}

/** Who is banned from the room, the last first, with the text of the event that says so. */
export async function listBans(sql: Sql, roomNid: number, limit: number): Promise<{ userId: string; json: string | null }[]> {
  return await sql<{ userId: string; json: string | null }[]>`
    select u.user_id as "userId", e.json
    from   memberships m join users u using (user_nid) left join events e on e.event_nid = m.event_nid
    where  m.room_nid = ${roomNid} and m.membership = 4
    order  by m.position desc
    limit  ${limit}`;
}
