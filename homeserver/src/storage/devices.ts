import type { Sql } from './database.ts';

export type DeviceRow = {
  deviceId: string;
  displayName: string | null;
  lastSeenAt: number | null;
  lastSeenIp: string | null;
  lastSeenUserAgent: string | null;
};

/** Makes a device, or leaves the one that is there as it is. Returns whether it was made. */
export async function insertDevice(
  sql: Sql,
  device: { userNid: number; deviceId: string; displayName: string | undefined; createdAt: number },
): Promise<boolean> {
  const { userNid, deviceId, displayName, createdAt } = device;
  const made = await sql`
    insert into devices (user_nid, device_id, display_name, created_at)
    values (${userNid}, ${deviceId}, ${displayName ?? null}, ${createdAt})
    on conflict do nothing
    returning 1`;
  return made.length > 0;
}

export async function listDevices(sql: Sql, userNid: number): Promise<DeviceRow[]> {
  return await sql<DeviceRow[]>`
    select device_id as "deviceId", display_name as "displayName", last_seen_at as "lastSeenAt", last_seen_ip as "lastSeenIp",
           last_seen_user_agent as "lastSeenUserAgent"
    from   devices
    where  user_nid = ${userNid}
    order  by device_id`;
}

export async function findDevice(sql: Sql, userNid: number, deviceId: string): Promise<DeviceRow | undefined> {
  const [row] = await sql<DeviceRow[]>`
    select device_id as "deviceId", display_name as "displayName", last_seen_at as "lastSeenAt", last_seen_ip as "lastSeenIp",
           last_seen_user_agent as "lastSeenUserAgent"
    from   devices
    where  user_nid = ${userNid} and device_id = ${deviceId}`;
  return row;
}

/** Which of these devices a person has. */
export async function filterDevices(sql: Sql, userNid: number, deviceIds: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ deviceId: string }[]>`
    select device_id as "deviceId" from devices where user_nid = ${userNid} and device_id = any(${[...deviceIds]}::text[])`;
  return new Set(rows.map((row) => row.deviceId));
}

export async function updateDeviceName(sql: Sql, userNid: number, deviceId: string, displayName: string): Promise<void> {
  await sql`update devices set display_name = ${displayName} where user_nid = ${userNid} and device_id = ${deviceId}`;
}

/** Deletes devices, and with them their tokens and keys. */
export async function deleteDevices(sql: Sql, userNid: number, deviceIds: readonly string[]): Promise<void> {
  await sql`delete from devices where user_nid = ${userNid} and device_id = any(${[...deviceIds]}::text[])`;
}

export type DeviceSighting = { userNid: number; deviceId: string; ip: string; userAgent: string; seenAt: number };

/** Stores when and from where devices were last heard of. */
export async function updateLastSeen(sql: Sql, sightings: readonly DeviceSighting[]): Promise<void> {
  await sql`
    update devices d
    set    last_seen_at = s.seen_at, last_seen_ip = s.ip, last_seen_user_agent = s.user_agent
    from   unnest(
             ${sightings.map((s) => s.userNid)}::bigint[], ${sightings.map((s) => s.deviceId)}::text[],
             ${sightings.map((s) => s.ip)}::text[], ${sightings.map((s) => s.userAgent)}::text[],
             ${sightings.map((s) => s.seenAt)}::bigint[]
           ) as s (user_nid, device_id, ip, user_agent, seen_at)
    where  d.user_nid = s.user_nid and d.device_id = s.device_id`;
}
