import type { Sql } from './database.ts';

/** What is said once about a whole database. */
export type MetaKey = 'server_name';

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
