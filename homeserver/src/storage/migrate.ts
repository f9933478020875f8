import { readdir, readFile } from 'node:fs/promises';
import type { Pool } from './database.ts';

const MIGRATIONS = new URL('./migrations/', import.meta.url);
const NAME = /^\d{4}_[a-z0-9_]+\.sql$/;
/** Any number, as long as all of our processes use the same. */
const MIGRATION_LOCK = 7_223_001;

/**
 * Brings the schema up to date: runs each file of `migrations/` that has not run yet, in the order of their numbers, each in a
 * transaction of its own. Processes that start together take turns.
 *
 * @returns the names of the migrations that ran
 * @throws when the database has a migration that this version does not know: it was made by a newer one
 */
export async function migrate(pool: Pool): Promise<string[]> {
  const known = (await readdir(MIGRATIONS)).filter((name) => NAME.test(name)).sort();
  const connection = await pool.reserve();
  try {
    await connection`select pg_advisory_lock(${MIGRATION_LOCK})`;
    await connection`create table if not exists schema_migrations (name text primary key, applied_at timestamptz not null default now())`;
    await connection`create table if not exists meta (key text primary key, value text not null)`;
    const rows = await connection<{ name: string }[]>`select name from schema_migrations`;
    const applied = new Set(rows.map((row) => row.name));
    refuseNewerSchema(applied, known);

    const pending = known.filter((name) => !applied.has(name));
    for (const name of pending) {
      const statements = await readFile(new URL(name, MIGRATIONS), 'utf8');
      const quoted = `'${name}'`; // NAME allows no quote
      await connection
        .unsafe(`begin; set local statement_timeout = 0; ${statements}\n; insert into schema_migrations (name) values (${quoted}); commit`)
        .simple()
        .catch(async (error: unknown) => {
          await connection.unsafe('rollback').simple();
          throw new Error(`Migration ${name} failed`, { cause: error });
        });
    }
    return pending;
  } finally {
    await connection`select pg_advisory_unlock(${MIGRATION_LOCK})`.catch(() => undefined);
    connection.release();
  }
}

function refuseNewerSchema(applied: ReadonlySet<string>, known: readonly string[]): void {
  const unknown = [...applied].filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`The database was made by a newer BlinkChat (it has ${unknown.join(', ')}). Start that version, or restore a backup.`);
  }
}
