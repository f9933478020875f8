import type { Sql } from './database.ts';

export async function findFollowerCursor(sql: Sql, name: string): Promise<number | undefined> {
  const [row] = await sql<{ position: number }[]>`select position from follower_cursors where name = ${name}`;
  return row?.position;
}

export async function saveFollowerCursor(sql: Sql, name: string, position: number): Promise<void> {
  await sql`
    insert into follower_cursors (name, position) values (${name}, ${position})
    on conflict (name) do update set position = excluded.position`;
}
