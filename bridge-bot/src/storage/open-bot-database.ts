import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Raised with the tables below; a newer file than this refuses to open. */
const VERSION = 1;

const TABLES = `
  create table kv (namespace text not null, key text not null, value text not null, primary key (namespace, key)) without rowid;

  create table idb_databases (name text primary key, version integer not null, stores text not null) without rowid;
  create table idb_records (
    database text not null, store text not null, key text not null, value blob not null,
    primary key (database, store, key)
  ) without rowid;

  create table hooks (
    hook_id text primary key, room_id text not null, name text not null, dialect text, secret_hash blob not null,
    signing_secret text, created_by text not null, created_at_ms integer not null, is_enabled integer not null default 1
  ) without rowid;
  create index hooks_by_room on hooks (room_id);

  create table hook_inbox (
    post_id integer primary key autoincrement, hook_id text not null, room_id text not null, delivery_id text, messages text not null,
    received_at_ms integer not null, posted_at_ms integer
  );
  create unique index hook_inbox_deliveries on hook_inbox (hook_id, delivery_id) where delivery_id is not null;
  create index hook_inbox_waiting on hook_inbox (post_id) where posted_at_ms is null;

  create table hook_threads (
    hook_id text not null, thread_key text not null, event_id text not null,
    content_hash text not null, is_final integer not null, updated_at_ms integer not null,
    primary key (hook_id, thread_key)
  ) without rowid;
`;

/**
 * Opens the one file that a bot keeps everything in, and makes its tables at the first start. A commit is on the disk when it returns:
 * an Olm ratchet that goes back in time would break its sessions. Throws when the folder cannot be written or the file is newer than we.
 */
export function openBotDatabase(dataDir: string): DatabaseSync {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, 'bot.sqlite');
  const sql = new DatabaseSync(file);
  chmodSync(file, 0o600);
  sql.exec('pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 2000');

  const version = Number(sql.prepare('pragma user_version').get()?.['user_version']);
  if (version > VERSION) throw new Error(`${file} was written by a newer version of the bot; start that one, or use another data folder`);
  if (version < VERSION) inTransaction(sql, () => sql.exec(`${TABLES}; pragma user_version = ${VERSION}`));
  return sql;
}

/** Runs `work` in one transaction: all of it, or nothing when it throws. */
export function inTransaction<Result>(sql: DatabaseSync, work: () => Result): Result {
  sql.exec('begin immediate');
  try {
    const result = work();
    sql.exec('commit');
    return result;
  } catch (error) {
    sql.exec('rollback');
    throw error;
  }
}
