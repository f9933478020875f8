import type { Sql } from './database.ts';

export type AppserviceRow = {
  appserviceNid: number;
  lastTxn: number;
  pending: string | null;
  queuedPosition: number;
  toldPosition: number;
};

/** What is kept of an application service; one that is new is told of what comes after `position`. */
export async function ensureAppservice(sql: Sql, appserviceId: string, position: number): Promise<AppserviceRow> {
  await sql`insert into appservices (appservice_id, told_position) values (${appserviceId}, ${position}) on conflict do nothing`;
  const [row] = await sql<AppserviceRow[]>`
    select appservice_nid as "appserviceNid", last_txn as "lastTxn", pending, queued_position as "queuedPosition",
           told_position as "toldPosition"
    from   appservices where appservice_id = ${appserviceId}`;
  if (row === undefined) throw new Error(`the application service ${appserviceId} was not stored`);
  return row;
}

/** An event that waits for a service: a stored one, or the text of an invite from afar. */
export type QueuedEvent = { appserviceNid: number; position: number; eventNid: number | null; invite: string | null };

/** Queues events, and remembers in the same commit which was the last of each service. */
export async function queueAppserviceEvents(sql: Sql, events: readonly QueuedEvent[]): Promise<void> {
  if (events.length === 0) return;
  await sql`
    with given as (
      select * from unnest(
        ${events.map((event) => event.appserviceNid)}::integer[], ${events.map((event) => event.position)}::bigint[],
        ${events.map((event) => event.eventNid)}::bigint[], ${events.map((event) => event.invite)}::text[]
      ) as g (appservice_nid, position, event_nid, invite)
    ), moved as (
      update appservices a set queued_position = greatest(a.queued_position, l.position)
      from   (select appservice_nid, max(position) as position from given group by appservice_nid) l
      where  a.appservice_nid = l.appservice_nid
    )
    insert into appservice_events (appservice_nid, position, event_nid, invite) select * from given
    on conflict do nothing`;
}

/** The oldest events that wait for a service. */
export async function listAppserviceEvents(sql: Sql, appserviceNid: number, limit: number): Promise<QueuedEvent[]> {
  return await sql<QueuedEvent[]>`
    select appservice_nid as "appserviceNid", position, event_nid as "eventNid", invite
    from   appservice_events
    where  appservice_nid = ${appserviceNid}
    order  by position
    limit  ${limit}`;
}

export type NewTransaction = {
  appserviceNid: number;
  txn: number;
  body: string;
  /** Its events are those that waited, up to this position. */
  eventsUpTo: number;
  toldPosition: number;
  /** The messages to devices that it holds. */
  toDevice: readonly { userNid: number; deviceId: string; position: number }[];
};

/** Stores a transaction and takes out of the queues what it holds: from now on it is sent like this and no other. Call it in a transaction. */
export async function storeAppserviceTransaction(sql: Sql, given: NewTransaction): Promise<void> {
  const { appserviceNid, txn, body, eventsUpTo, toldPosition, toDevice } = given;
  await sql`
    update appservices set last_txn = ${txn}, pending = ${body}, told_position = ${toldPosition} where appservice_nid = ${appserviceNid}`;
  await sql`delete from appservice_events where appservice_nid = ${appserviceNid} and position <= ${eventsUpTo}`;
  if (toDevice.length === 0) return;
  await sql`
    delete from to_device_messages m
    using  unnest(
             ${toDevice.map((m) => m.userNid)}::bigint[], ${toDevice.map((m) => m.deviceId)}::text[], ${toDevice.map((m) => m.position)}::bigint[]
           ) as t (user_nid, device_id, position)
    where  m.user_nid = t.user_nid and m.device_id = t.device_id and m.position = t.position`;
}

/** The service has acknowledged its transaction. */
export async function clearAppserviceTransaction(sql: Sql, appserviceNid: number): Promise<void> {
  await sql`update appservices set pending = null where appservice_nid = ${appserviceNid}`;
}

export async function saveToldPosition(sql: Sql, appserviceNid: number, position: number): Promise<void> {
  await sql`update appservices set told_position = ${position} where appservice_nid = ${appserviceNid}`;
}

/** An invite to a room that this server is not in. */
export type InviteFromAfar = {
  position: number;
  userId: string;
  roomId: string;
  strippedState: string | null;
  inviteSource: string | null;
};

/** The invites of local users to rooms that this server is not in, that came in (after, upTo], oldest first. */
export async function listInvitesFromAfar(sql: Sql, { after, upTo }: { after: number; upTo: number }): Promise<InviteFromAfar[]> {
  return await sql<InviteFromAfar[]>`
    select m.position, u.user_id as "userId", r.room_id as "roomId", m.stripped_state as "strippedState", m.invite_source as "inviteSource"
    from   memberships m join users u using (user_nid) join rooms r using (room_nid)
    where  m.event_nid is null and m.membership = 1 and m.position > ${after} and m.position <= ${upTo} and u.is_local
    order  by m.position`;
}

/** Receipts of all rooms that moved in (after, upTo], oldest first. */
export async function listReceiptsOfAllRooms(
  sql: Sql,
  { after, upTo, limit }: { after: number; upTo: number; limit: number },
): Promise<{ roomNid: number; position: number; isPrivate: boolean; thread: string; eventId: string; userId: string; ts: number }[]> {
  return await sql<
    { roomNid: number; position: number; isPrivate: boolean; thread: string; eventId: string; userId: string; ts: number }[]
  >`
    select r.room_nid as "roomNid", r.position, r.kind = 2 as "isPrivate", r.thread, e.event_id as "eventId", u.user_id as "userId", r.ts
    from   receipts r join users u using (user_nid) join events e using (event_nid)
    where  r.kind < 3 and r.position > ${after} and r.position <= ${upTo}
    order  by r.position
    limit  ${limit}`;
}

/** Whose devices changed in (after, upTo], for everybody who shares a room with them. */
export async function listDeviceListChanges(
  sql: Sql,
  { after, upTo }: { after: number; upTo: number },
): Promise<{ userNid: number; userId: string }[]> {
  return await sql<{ userNid: number; userId: string }[]>`
    select u.user_nid as "userNid", u.user_id as "userId"
    from   device_list_changes c join users u using (user_nid)
    where  c.position > ${after} and c.position <= ${upTo} and c.seen_by = 0
    order  by c.position`;
}

/** The rooms that a user is joined to. */
export async function listJoinedRoomNids(sql: Sql, userNid: number): Promise<number[]> {
  const rows = await sql<{ roomNid: number }[]>`
    select room_nid as "roomNid" from memberships where user_nid = ${userNid} and membership = 2`;
  return rows.map((row) => row.roomNid);
}

/** The local users for whose devices messages wait. */
export async function listUsersWithToDevice(sql: Sql): Promise<{ userNid: number; userId: string }[]> {
  return await sql<{ userNid: number; userId: string }[]>`
    select u.user_nid as "userNid", u.user_id as "userId"
    from   (select distinct user_nid from to_device_messages) waiting join users u using (user_nid)`;
}

export type WaitingToDevice = {
  userNid: number;
  userId: string;
  deviceId: string;
  position: number;
  sender: string;
  type: string;
  content: string;
};

/** The oldest messages that wait for any device of these users. */
export async function listToDeviceOfUsers(sql: Sql, userNids: readonly number[], limit: number): Promise<WaitingToDevice[]> {
  if (userNids.length === 0) return [];
  return await sql<WaitingToDevice[]>`
    select m.user_nid as "userNid", u.user_id as "userId", m.device_id as "deviceId", m.position, m.sender, m.type, m.content
    from   to_device_messages m join users u using (user_nid)
    where  m.user_nid = any(${[...userNids]}::bigint[])
    order  by m.position
    limit  ${limit}`;
}
