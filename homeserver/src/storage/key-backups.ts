import type { Sql } from './database.ts';

export type KeyBackupRow = { version: number; algorithm: string; authData: string; etag: number; count: number };
/** A session key in a backup; `sessionData` is JSON text. */
export type BackedUpSession = {
  roomId: string;
  sessionId: string;
  firstMessageIndex: number;
  forwardedCount: number;
  isVerified: boolean;
  sessionData: string;
};
export type BackupSelection = { roomId?: string | undefined; sessionId?: string | undefined };

export async function insertKeyBackup(sql: Sql, userNid: number, algorithm: string, authData: string): Promise<number> {
  const [row] = await sql<{ version: number }[]>`
    insert into key_backups (user_nid, version, algorithm, auth_data)
    select ${userNid}, coalesce(max(version), 0) + 1, ${algorithm}, ${authData} from key_backups where user_nid = ${userNid}
    returning version`;
  if (row === undefined) throw new Error('a key backup was not stored');
  return row.version;
}

/** A backup, by its version or the newest. */
export async function findKeyBackup(sql: Sql, userNid: number, version: number | undefined): Promise<KeyBackupRow | undefined> {
  const [row] = await sql<KeyBackupRow[]>`
    select version, algorithm, auth_data as "authData", etag, count
    from   key_backups
    where  user_nid = ${userNid} and not deleted ${version === undefined ? sql`` : sql`and version = ${version}`}
    order  by version desc
    limit  1`;
  return row;
}

/** The same, held until the transaction ends. */
export async function lockKeyBackup(sql: Sql, userNid: number, version: number): Promise<KeyBackupRow | undefined> {
  const [row] = await sql<KeyBackupRow[]>`
    select version, algorithm, auth_data as "authData", etag, count
    from   key_backups
    where  user_nid = ${userNid} and version = ${version} and not deleted
    for    update`;
  return row;
}

export async function updateKeyBackupAuthData(sql: Sql, userNid: number, version: number, authData: string): Promise<void> {
  await sql`update key_backups set auth_data = ${authData} where user_nid = ${userNid} and version = ${version}`;
}

/** Deletes a backup with its keys. Its version is never given again. */
export async function deleteKeyBackup(sql: Sql, userNid: number, version: number): Promise<void> {
  await sql`
    with gone as (delete from key_backup_sessions where user_nid = ${userNid} and version = ${version})
    update key_backups set deleted = true, count = 0, auth_data = '{}' where user_nid = ${userNid} and version = ${version}`;
}

/**
 * Stores session keys where they are better than what is there: verified before unverified, then from an earlier message on, then
 * forwarded less often. https://spec.matrix.org/latest/client-server-api/#backup-algorithm-mmegolm_backupv1curve25519-aes-sha2
 */
export async function upsertBackedUpSessions(
  sql: Sql,
  userNid: number,
  version: number,
  sessions: readonly BackedUpSession[],
): Promise<{ added: number; replaced: number }> {
  if (sessions.length === 0) return { added: 0, replaced: 0 };
  const rows = await sql<{ added: boolean }[]>`
    insert into key_backup_sessions as b
           (user_nid, version, room_id, session_id, first_message_index, forwarded_count, is_verified, session_data)
    select ${userNid}, ${version}, room_id, session_id, first_message_index, forwarded_count, is_verified::boolean, session_data
    from   unnest(
             ${sessions.map((s) => s.roomId)}::text[], ${sessions.map((s) => s.sessionId)}::text[],
             ${sessions.map((s) => s.firstMessageIndex)}::bigint[], ${sessions.map((s) => s.forwardedCount)}::bigint[],
             ${sessions.map((s) => String(s.isVerified))}::text[], ${sessions.map((s) => s.sessionData)}::text[]
           ) as s (room_id, session_id, first_message_index, forwarded_count, is_verified, session_data)
    on conflict (user_nid, version, room_id, session_id) do update
    set    first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count,
           is_verified = excluded.is_verified, session_data = excluded.session_data
    where  (not excluded.is_verified, excluded.first_message_index, excluded.forwarded_count)
         < (not b.is_verified, b.first_message_index, b.forwarded_count)
    returning xmax = 0 as added`;
  const added = rows.filter((row) => row.added).length;
  return { added, replaced: rows.length - added };
}

export async function listBackedUpSessions(
  sql: Sql,
  userNid: number,
  version: number,
  { roomId, sessionId }: BackupSelection,
): Promise<BackedUpSession[]> {
  return await sql<BackedUpSession[]>`
    select room_id as "roomId", session_id as "sessionId", first_message_index as "firstMessageIndex",
           forwarded_count as "forwardedCount", is_verified as "isVerified", session_data as "sessionData"
    from   key_backup_sessions
    where  user_nid = ${userNid} and version = ${version}
           ${roomId === undefined ? sql`` : sql`and room_id = ${roomId}`}
           ${sessionId === undefined ? sql`` : sql`and session_id = ${sessionId}`}`;
}

/** Deletes session keys; returns how many. */
export async function deleteBackedUpSessions(
  sql: Sql,
  userNid: number,
  version: number,
  { roomId, sessionId }: BackupSelection,
): Promise<number> {
  const rows = await sql`
    delete from key_backup_sessions
    where  user_nid = ${userNid} and version = ${version}
           ${roomId === undefined ? sql`` : sql`and room_id = ${roomId}`}
           ${sessionId === undefined ? sql`` : sql`and session_id = ${sessionId}`}
    returning 1`;
  return rows.length;
}

/** Counts a change: the etag of the backup is another from now on. */
export async function touchKeyBackup(
  sql: Sql,
  userNid: number,
  version: number,
  countDelta: number,
): Promise<{ etag: number; count: number }> {
  const [row] = await sql<{ etag: number; count: number }[]>`
    update key_backups set etag = etag + 1, count = count + ${countDelta} where user_nid = ${userNid} and version = ${version}
    returning etag, count`;
  if (row === undefined) throw new Error('a key backup is gone');
  return row;
}

/** Deletes everything a person has backed up. */
export async function deleteKeyBackups(sql: Sql, userNid: number): Promise<void> {
  await sql`
    with gone as (delete from key_backup_sessions where user_nid = ${userNid})
    update key_backups set deleted = true, count = 0, auth_data = '{}' where user_nid = ${userNid}`;
}
