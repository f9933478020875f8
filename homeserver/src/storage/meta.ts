import type { Sql } from './database.ts';

/** What is said once about a whole database: its server name, its epoch. */
export type MetaKey = 'server_name' | 'epoch';

export async function findMeta(sql: Sql, key: MetaKey): Promise<string | undefined> {
  const [row] = await sql<{ value: string }[]>`select value from meta where key = ${key}`;
  return row?.value;
}

/** Stores a value unless there is one already. Returns what stands afterwards. */
export async function settleMeta(sql: Sql, key: MetaKey, value: string): Promise<string> {
  await sql`insert into meta (key, value) values (${key}, ${value}) on conflict (key) do nothing`;
  const settled = await findMeta(sql, key);
  if (settled === undefined) throw new Error(`meta has no ${key}, although it was just written`);
  return settled;
}

/**
 * Begins a new epoch. The one process that owns the database does this once at its start; every commit of the log checks that the
 * epoch is still its own, so that a process which lost its lock without noticing cannot write.
 */
export async function beginEpoch(sql: Sql): Promise<number> {
  const [row] = await sql<{ epoch: number }[]>`
    insert into meta (key, value) values ('epoch', '1')
    on conflict (key) do update set value = (meta.value::int8 + 1)::text
    returning value::int8 as epoch`;
  if (row === undefined) throw new Error('the epoch could not be advanced');
  return row.epoch;
}
