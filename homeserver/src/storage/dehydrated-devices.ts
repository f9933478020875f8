import type { Sql } from './database.ts';

/** `deviceData` is JSON text. */
export type DehydratedDeviceRow = { deviceId: string; deviceData: string };

export async function findDehydratedDevice(sql: Sql, userNid: number): Promise<DehydratedDeviceRow | undefined> {
  const [row] = await sql<DehydratedDeviceRow[]>`
    select device_id as "deviceId", device_data as "deviceData" from dehydrated_devices where user_nid = ${userNid}`;
  return row;
}

/** A person has one at most: an earlier one must be deleted, with its device, before. */
export async function insertDehydratedDevice(sql: Sql, userNid: number, { deviceId, deviceData }: DehydratedDeviceRow): Promise<void> {
  await sql`
    insert into dehydrated_devices (user_nid, device_id, device_data) values (${userNid}, ${deviceId}, ${deviceData})`;
}
