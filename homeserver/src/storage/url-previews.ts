import type { Sql } from './database.ts';

/** What was found at a link nearest before a time, if it was still good then. */
export async function findUrlPreview(sql: Sql, url: string, at: number): Promise<string | undefined> {
  const [row] = await sql<{ preview: string }[]>`
    select preview from url_previews where url = ${url} and fetched_at <= ${at} and expires_at > ${at} order by fetched_at desc limit 1`;
  return row?.preview;
}

export async function insertUrlPreview(
  sql: Sql,
  { url, fetchedAt, expiresAt, preview }: { url: string; fetchedAt: number; expiresAt: number; preview: string },
): Promise<void> {
  await sql`
    insert into url_previews (url, fetched_at, expires_at, preview) values (${url}, ${fetchedAt}, ${expiresAt}, ${preview})
    on conflict (url, fetched_at) do update set expires_at = excluded.expires_at, preview = excluded.preview`;
}

export async function deleteOldUrlPreviews(sql: Sql, before: number): Promise<void> {
  await sql`delete from url_previews where fetched_at < ${before}`;
}
