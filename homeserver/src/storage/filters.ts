import type { Sql } from './database.ts';

/** Stores a filter, or finds the same one; returns its number. Undefined when the person has `max` others already. */
export async function internFilter(sql: Sql, userNid: number, content: string, max: number): Promise<number | undefined> {
  const [same] = await sql<{ filterId: number }[]>`
    select filter_id as "filterId" from filters where user_nid = ${userNid} and content = ${content} limit 1`;
  if (same !== undefined) return same.filterId;
  const [row] = await sql<{ filterId: number }[]>`
    insert into filters (user_nid, filter_id, content)
    select ${userNid}, coalesce(max(filter_id), -1) + 1, ${content} from filters where user_nid = ${userNid} having count(*) < ${max}
    returning filter_id as "filterId"`;
  return row?.filterId;
}

export async function findFilter(sql: Sql, userNid: number, filterId: number): Promise<string | undefined> {
  const [row] = await sql<{ content: string }[]>`select content from filters where user_nid = ${userNid} and filter_id = ${filterId}`;
  return row?.content;
}
