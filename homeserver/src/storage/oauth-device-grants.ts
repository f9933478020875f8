import type { Sql } from './database.ts';

export type DeviceGrantState = 'pending' | 'allowed' | 'denied';
export type DeviceGrantRow = {
  clientId: string;
  deviceId: string;
  scope: string;
  state: DeviceGrantState;
  userNid: number | null;
  expiresAt: number;
};

/** Stores a grant. False when the user code is taken. */
export async function insertDeviceGrant(
  sql: Sql,
  grant: { deviceCodeHash: Uint8Array; userCode: string; clientId: string; deviceId: string; scope: string; expiresAt: number },
): Promise<boolean> {
  const g = grant;
  const rows = await sql`
    insert into oauth_device_grants (device_code_hash, user_code, client_id, device_id, scope, expires_at)
    values (${g.deviceCodeHash}, ${g.userCode}, ${g.clientId}, ${g.deviceId}, ${g.scope}, ${g.expiresAt})
    on conflict (user_code) do nothing
    returning 1`;
  return rows.length > 0;
}

export async function findDeviceGrant(sql: Sql, userCode: string): Promise<DeviceGrantRow | undefined> {
  const [row] = await sql<DeviceGrantRow[]>`
    select client_id as "clientId", device_id as "deviceId", scope, state, user_nid as "userNid", expires_at as "expiresAt"
    from   oauth_device_grants
    where  user_code = ${userCode}`;
  return row;
}

/** Answers a pending grant. False when it was answered before, or has expired. */
export async function decideDeviceGrant(
  sql: Sql,
  userCode: string,
  decision: { state: 'allowed' | 'denied'; userNid: number; now: number },
): Promise<boolean> {
  const rows = await sql`
    update oauth_device_grants set state = ${decision.state}, user_nid = ${decision.userNid}
    where  user_code = ${userCode} and state = 'pending' and expires_at > ${decision.now}
    returning 1`;
  return rows.length > 0;
}

/** Notes that the device asked; tells when it had asked before. */
export async function pollDeviceGrant(
  sql: Sql,
  deviceCodeHash: Uint8Array,
  now: number,
): Promise<(DeviceGrantRow & { polledBefore: number | null }) | undefined> {
  const [row] = await sql<(DeviceGrantRow & { polledBefore: number | null })[]>`
    update oauth_device_grants new set polled_at = ${now}
    from   (select device_code_hash, polled_at from oauth_device_grants where device_code_hash = ${deviceCodeHash} for update) old
    where  new.device_code_hash = old.device_code_hash
    returning new.client_id as "clientId", new.device_id as "deviceId", new.scope, new.state, new.user_nid as "userNid",
              new.expires_at as "expiresAt", old.polled_at as "polledBefore"`;
  return row;
}

/** Ends a grant: it gives tokens once. False when it was ended by another request. */
export async function deleteDeviceGrant(sql: Sql, deviceCodeHash: Uint8Array): Promise<boolean> {
  const rows = await sql`delete from oauth_device_grants where device_code_hash = ${deviceCodeHash} returning 1`;
  return rows.length > 0;
}

export async function deleteExpiredDeviceGrants(sql: Sql, before: number): Promise<void> {
  await sql`delete from oauth_device_grants where expires_at <= ${before}`;
}
