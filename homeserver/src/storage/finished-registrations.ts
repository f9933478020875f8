import type { Sql } from './database.ts';

export type FinishedRegistration = { bodyHash: Uint8Array; userNid: number; deviceId: string | null };

export async function insertFinishedRegistration(
  sql: Sql,
  finished: { sessionId: string; bodyHash: Uint8Array; userNid: number; deviceId: string | undefined; expiresAt: number },
): Promise<void> {
  const { sessionId, bodyHash, userNid, deviceId, expiresAt } = finished;
  await sql`
    insert into finished_registrations (session_id, body_hash, user_nid, device_id, expires_at)
    values (${sessionId}, ${bodyHash}, ${userNid}, ${deviceId ?? null}, ${expiresAt})`;
}

export async function findFinishedRegistration(sql: Sql, sessionId: string, now: number): Promise<FinishedRegistration | undefined> {
  const [row] = await sql<FinishedRegistration[]>`
    select body_hash as "bodyHash", user_nid as "userNid", device_id as "deviceId"
    from   finished_registrations
    where  session_id = ${sessionId} and expires_at > ${now}`;
  return row;
}

export async function deleteExpiredFinishedRegistrations(sql: Sql, now: number): Promise<void> {
  await sql`delete from finished_registrations where expires_at <= ${now}`;
}
