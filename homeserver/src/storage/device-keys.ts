import type { Sql } from './database.ts';

/** A device's keys as uploaded (JSON text), and the name its owner gave it. */
export type DeviceKeysRow = { userNid: number; userId: string; deviceId: string; keys: string; displayName: string | null };

/** Stores the keys of a device. False when they were stored already, letter for letter. */
export async function upsertDeviceKeys(sql: Sql, userNid: number, deviceId: string, keys: string): Promise<boolean> {
  const rows = await sql`
    insert into device_keys (user_nid, device_id, keys) values (${userNid}, ${deviceId}, ${keys})
    on conflict (user_nid, device_id) do update set keys = excluded.keys where device_keys.keys <> excluded.keys
    returning 1`;
  return rows.length > 0;
}

/** Whether a person has more than so many other devices with keys. */
export async function hasMoreDevicesThan(sql: Sql, userNid: number, { most, except }: { most: number; except: string }): Promise<boolean> {
  const rows = await sql`select 1 from device_keys where user_nid = ${userNid} and device_id <> ${except} offset ${most} limit 1`;
  return rows.length > 0;
}

export async function findDeviceKeys(sql: Sql, userNid: number, deviceId: string): Promise<string | undefined> {
  const [row] = await sql<{ keys: string }[]>`select keys from device_keys where user_nid = ${userNid} and device_id = ${deviceId}`;
  return row?.keys;
}

/** The keys of all devices of some people. */
export async function listDeviceKeys(sql: Sql, userNids: readonly number[]): Promise<DeviceKeysRow[]> {
  return await sql<DeviceKeysRow[]>`
    select k.user_nid as "userNid", u.user_id as "userId", k.device_id as "deviceId", k.keys, d.display_name as "displayName"
    from   device_keys k join users u using (user_nid) left join devices d using (user_nid, device_id)
    where  k.user_nid = any(${[...userNids]}::bigint[])
    order  by k.user_nid, k.device_id`;
}

/** Which of these devices have keys. */
export async function listDevicesWithKeys(sql: Sql, userNid: number, deviceIds: readonly string[]): Promise<string[]> {
  const rows = await sql<{ deviceId: string }[]>`
    select device_id as "deviceId" from device_keys where user_nid = ${userNid} and device_id = any(${[...deviceIds]}::text[])`;
  return rows.map((row) => row.deviceId);
}

/** Forgets whatever is kept for devices of a local person that are no more. */
export async function deleteKeysOfGoneDevices(sql: Sql, userNid: number): Promise<void> {
  await sql`
    with keys as (
      delete from device_keys t where user_nid = ${userNid}
      and not exists (select from devices d where d.user_nid = t.user_nid and d.device_id = t.device_id)
    ), one_time as (
      delete from one_time_keys t where user_nid = ${userNid}
      and not exists (select from devices d where d.user_nid = t.user_nid and d.device_id = t.device_id)
    ), fallback as (
      delete from fallback_keys t where user_nid = ${userNid}
      and not exists (select from devices d where d.user_nid = t.user_nid and d.device_id = t.device_id)
    ), transactions as (
      delete from to_device_transactions t where user_nid = ${userNid}
      and not exists (select from devices d where d.user_nid = t.user_nid and d.device_id = t.device_id)
    ), signatures as (
      delete from key_signatures t where user_nid = ${userNid}
      and not exists (select from devices d where d.user_nid = t.user_nid and d.device_id = t.target)
      and not exists (select from cross_signing_keys c where c.user_nid = t.user_nid and c.public_key = t.target)
    )
    delete from to_device_messages t where user_nid = ${userNid}
    and not exists (select from devices d where d.user_nid = t.user_nid and d.device_id = t.device_id)`;
}

/** Replaces the device list of a person of another server. */
export async function replaceDeviceKeys(sql: Sql, userNid: number, devices: readonly { deviceId: string; keys: string }[]): Promise<void> {
  await sql`delete from device_keys where user_nid = ${userNid}`;
  if (devices.length === 0) return;
  await sql`
    insert into device_keys (user_nid, device_id, keys)
    select ${userNid}, * from unnest(${devices.map((d) => d.deviceId)}::text[], ${devices.map((d) => d.keys)}::text[])
    on conflict do nothing`;
}

export async function deleteDeviceKeys(sql: Sql, userNid: number, deviceId: string): Promise<void> {
  await sql`delete from device_keys where user_nid = ${userNid} and device_id = ${deviceId}`;
}
