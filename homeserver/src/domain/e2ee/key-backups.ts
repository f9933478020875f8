import { invalidParam, matrixError, notFound, tooLarge } from '../../platform/matrix-error.ts';
import { lockAccount } from '../../storage/accounts.ts';
import type { Pool } from '../../storage/database.ts';
import {
  type BackedUpSession,
  type BackupSelection,
  deleteBackedUpSessions,
  deleteKeyBackup,
  findKeyBackup,
  insertKeyBackup,
  type KeyBackupRow,
  listBackedUpSessions,
  lockKeyBackup,
  touchKeyBackup,
  updateKeyBackupAuthData,
  upsertBackedUpSessions,
} from '../../storage/key-backups.ts';

export type KeyBackup = { version: string; algorithm: string; authData: object; count: number; etag: string };
export type BackupState = { count: number; etag: string };

/** Server-side backups of message keys, which only the person can read. https://spec.matrix.org/latest/client-server-api/#server-side-key-backups */
export type KeyBackups = {
  create(userNid: number, algorithm: string, authData: object): Promise<string>;
  /** By version, or the newest. @throws M_NOT_FOUND */
  load(userNid: number, version: string | undefined): Promise<KeyBackup>;
  /** @throws M_NOT_FOUND, M_INVALID_PARAM when algorithm or version are others */
  update(userNid: number, version: string, change: { algorithm: string; authData: object; version?: string | undefined }): Promise<void>;
  /** @throws M_NOT_FOUND */
  remove(userNid: number, version: string): Promise<void>;
  /** Stores keys in the newest backup. @throws M_WRONG_ROOM_KEYS_VERSION when it is another, M_NOT_FOUND when there is none */
  putSessions(userNid: number, version: string, sessions: readonly BackedUpSession[]): Promise<BackupState>;
  /** @throws M_NOT_FOUND when there is no such backup */
  listSessions(userNid: number, version: string, selection: BackupSelection): Promise<BackedUpSession[]>;
  removeSessions(userNid: number, version: string, selection: BackupSelection): Promise<BackupState>;
};

const MAX_AUTH_DATA_BYTES = 65_536;
const MAX_SESSION_BYTES = 65_536;
const MAX_SESSIONS_PER_PUT = 10_000;
const MAX_ID_CHARACTERS = 255;

export function createKeyBackups({ pool }: { pool: Pool }): KeyBackups {
  async function find(userNid: number, version: string | undefined): Promise<KeyBackupRow> {
    const number = version === undefined ? undefined : parseVersion(version);
    const backup = await findKeyBackup(pool, userNid, number);
    if (backup === undefined) throw notFound(version === undefined ? 'There is no key backup' : `There is no key backup ${version}`);
    return backup;
  }

  return {
    async create(userNid, algorithm, authData) {
      const text = authText(authData);
      const version = await pool.begin(async (sql) => {
        await lockAccount(sql, userNid); // two at once would be given the same version
        return await insertKeyBackup(sql, userNid, algorithm, text);
      });
      return String(version);
    },
    async load(userNid, version) {
      const { authData, count, etag, algorithm, version: number } = await find(userNid, version);
      return { version: String(number), algorithm, authData: JSON.parse(authData) as object, count, etag: String(etag) };
    },
    async update(userNid, version, change) {
      if (change.version !== undefined && change.version !== version)
        throw invalidParam('The version in the body is another than in the path');
      const backup = await find(userNid, version);
      if (backup.algorithm !== change.algorithm) throw invalidParam('The algorithm of a backup cannot be changed');
      await updateKeyBackupAuthData(pool, userNid, backup.version, authText(change.authData));
    },
    async remove(userNid, version) {
      const backup = await find(userNid, version);
      await deleteKeyBackup(pool, userNid, backup.version);
    },
    async putSessions(userNid, version, sessions) {
      checkSessions(sessions);
      const newest = await find(userNid, undefined);
      if (String(newest.version) !== version) {
        const fields = { current_version: String(newest.version) };
        throw matrixError(403, 'M_WRONG_ROOM_KEYS_VERSION', `The current key backup is ${newest.version}`, fields);
      }
      return await pool.begin(async (sql) => {
        const backup = await lockKeyBackup(sql, userNid, newest.version);
        if (backup === undefined) throw notFound(`There is no key backup ${version}`);
        const { added, replaced } = await upsertBackedUpSessions(sql, userNid, newest.version, withoutRepeats(sessions));
        if (added + replaced === 0) return stateOf(backup);
        return stateOf(await touchKeyBackup(sql, userNid, newest.version, added));
      });
    },
    async listSessions(userNid, version, selection) {
      const backup = await find(userNid, version);
      return await listBackedUpSessions(pool, userNid, backup.version, selection);
    },
    async removeSessions(userNid, version, selection) {
      const { version: number } = await find(userNid, version);
      return await pool.begin(async (sql) => {
        const backup = await lockKeyBackup(sql, userNid, number);
        if (backup === undefined) throw notFound(`There is no key backup ${version}`);
        const removed = await deleteBackedUpSessions(sql, userNid, number, selection);
        return stateOf(removed === 0 ? backup : await touchKeyBackup(sql, userNid, number, -removed));
      });
    },
  };
}

function stateOf({ count, etag }: { count: number; etag: number }): BackupState {
  return { count, etag: String(etag) };
}

function parseVersion(version: string): number {
  if (!/^\d{1,15}$/.test(version)) throw notFound(`There is no key backup ${version.slice(0, MAX_ID_CHARACTERS)}`);
  return Number(version);
}

function authText(authData: object): string {
  const text = JSON.stringify(authData);
  if (Buffer.byteLength(text) > MAX_AUTH_DATA_BYTES) throw tooLarge(`auth_data may have at most ${MAX_AUTH_DATA_BYTES} bytes`);
  return text;
}

function checkSessions(sessions: readonly BackedUpSession[]): void {
  if (sessions.length > MAX_SESSIONS_PER_PUT) throw tooLarge(`At most ${MAX_SESSIONS_PER_PUT} keys can be stored at once`);
  for (const { roomId, sessionId, sessionData, firstMessageIndex, forwardedCount } of sessions) {
    if (roomId.length > MAX_ID_CHARACTERS || sessionId.length > MAX_ID_CHARACTERS) throw invalidParam('An id is too long');
    if (Buffer.byteLength(sessionData) > MAX_SESSION_BYTES) throw tooLarge(`session_data may have at most ${MAX_SESSION_BYTES} bytes`);
    if (![firstMessageIndex, forwardedCount].every(Number.isSafeInteger)) throw invalidParam('A number is too large');
  }
}

/** One statement cannot write the same row twice. */
function withoutRepeats(sessions: readonly BackedUpSession[]): BackedUpSession[] {
  return [...new Map(sessions.map((session) => [`${session.roomId} ${session.sessionId}`, session])).values()];
}
