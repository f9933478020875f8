import type { Sql } from './database.ts';

/** A pusher as it was set. `data` is JSON text. */
export type PusherRow = {
  pusherId: number;
  userNid: number;
  /** Null for one that belongs to a person and not to a device. */
  deviceId: string | null;
  appId: string;
  pushkey: string;
  kind: string;
  appDisplayName: string;
  deviceDisplayName: string;
  profileTag: string | null;
  lang: string;
  data: string;
  createdAt: number;
  isEnabled: boolean;
};

const COLUMNS = `pusher_id as "pusherId", user_nid as "userNid", device_id as "deviceId", app_id as "appId", pushkey, kind,
  app_display_name as "appDisplayName", device_display_name as "deviceDisplayName", profile_tag as "profileTag", lang, data,
  created_at as "createdAt", is_enabled as "isEnabled"`;

/** Those among the users who have a pusher that is on. */
export async function listUsersWithPushers(sql: Sql, userNids: readonly number[]): Promise<number[]> {
  const rows = await sql<{ userNid: number }[]>`
    select distinct user_nid as "userNid" from pushers where is_enabled and user_nid = any(${[...userNids]}::bigint[])`;
  return rows.map((row) => row.userNid);
}

export async function listPushersOfUsers(sql: Sql, userNids: readonly number[]): Promise<PusherRow[]> {
  return await sql<PusherRow[]>`
    select ${sql.unsafe(COLUMNS)} from pushers where user_nid = any(${[...userNids]}::bigint[]) order by pusher_id`;
}

/** Adds a pusher, or changes the one of this user, app and key. */
export async function upsertPusher(sql: Sql, pusher: Omit<PusherRow, 'pusherId'>): Promise<void> {
  await sql`
    insert into pushers (user_nid, device_id, app_id, pushkey, kind, app_display_name, device_display_name, profile_tag, lang, data, created_at, is_enabled)
    values (${pusher.userNid}, ${pusher.deviceId}, ${pusher.appId}, ${pusher.pushkey}, ${pusher.kind}, ${pusher.appDisplayName},
            ${pusher.deviceDisplayName}, ${pusher.profileTag}, ${pusher.lang}, ${pusher.data}, ${pusher.createdAt}, ${pusher.isEnabled})
    on conflict (user_nid, app_id, pushkey) do update
      set device_id = excluded.device_id, kind = excluded.kind, app_display_name = excluded.app_display_name,
          device_display_name = excluded.device_display_name, profile_tag = excluded.profile_tag, lang = excluded.lang, data = excluded.data,
          is_enabled = excluded.is_enabled`;
}

/** Removes a user's pusher. */
export async function deletePusher(sql: Sql, { userNid, appId, pushkey }: Pick<PusherRow, 'userNid' | 'appId' | 'pushkey'>): Promise<void> {
  await sql`delete from pushers where user_nid = ${userNid} and app_id = ${appId} and pushkey = ${pushkey}`;
}

/** Removes an app's key from everyone but one user: whose device it is now. Returns who lost it. */
export async function deletePusherOfOthers(
  sql: Sql,
  { userNid, appId, pushkey }: Pick<PusherRow, 'userNid' | 'appId' | 'pushkey'>,
): Promise<number[]> {
  const rows = await sql<{ userNid: number }[]>`
    delete from pushers where app_id = ${appId} and pushkey = ${pushkey} and user_nid <> ${userNid} returning user_nid as "userNid"`;
  return rows.map((row) => row.userNid);
}

export async function deletePusherById(sql: Sql, pusherId: number): Promise<void> {
  await sql`delete from pushers where pusher_id = ${pusherId}`;
}

/** A notification that waits to be pushed. `tweaks` is JSON text. */
export type QueuedPush = { pusherId: number; position: number; eventNid: number; roomNid: number; tweaks: string; queuedAt: number };

/** Queues notifications for every pusher of their users. Those queued already are left alone. */
export async function queuePushes(
  sql: Sql,
  pushes: readonly { userNid: number; position: number; eventNid: number; roomNid: number; tweaks: string; queuedAt: number }[],
): Promise<void> {
  if (pushes.length === 0) return;
  await sql`
    insert into push_outbox (pusher_id, position, event_nid, room_nid, tweaks, queued_at)
    select p.pusher_id, n.position, n.event_nid, n.room_nid, n.tweaks, n.queued_at
    from   unnest(
      ${pushes.map((row) => row.userNid)}::bigint[], ${pushes.map((row) => row.position)}::bigint[], ${pushes.map((row) => row.eventNid)}::bigint[],
      ${pushes.map((row) => row.roomNid)}::bigint[], ${pushes.map((row) => row.tweaks)}::text[], ${pushes.map((row) => row.queuedAt)}::bigint[]
    ) as n(user_nid, position, event_nid, room_nid, tweaks, queued_at)
    join   pushers p on p.user_nid = n.user_nid and p.is_enabled
    on conflict do nothing`;
}

/** The pushers that push to gateways for which something waits. */
export async function listDuePushers(sql: Sql): Promise<PusherRow[]> {
  return await sql<PusherRow[]>`
    select ${sql.unsafe(COLUMNS)} from pushers p where is_enabled and kind = 'http' and exists (select 1 from push_outbox o where o.pusher_id = p.pusher_id) order by pusher_id`;
}

/** The oldest notifications that wait for a pusher. */
export async function listQueuedPushes(sql: Sql, pusherId: number, limit: number): Promise<QueuedPush[]> {
  return await sql<QueuedPush[]>`
    select pusher_id as "pusherId", position, event_nid as "eventNid", room_nid as "roomNid", tweaks, queued_at as "queuedAt"
    from   push_outbox where pusher_id = ${pusherId} order by position limit ${limit}`;
}

/** Forgets what was pushed, or was not in time. */
export async function deleteQueuedPushes(sql: Sql, pusherId: number, upTo: number): Promise<void> {
  await sql`delete from push_outbox where pusher_id = ${pusherId} and position <= ${upTo}`;
}
