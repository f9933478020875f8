import type { Sql } from './database.ts';

/** `roomNid` null: account data that is not about a room. `content` is JSON text. */
export type AccountDataRow = { roomNid: number | null; type: string; content: string; position: number };

const NO_ROOM = 0;

export async function upsertAccountData(
  sql: Sql,
  entry: { userNid: number; roomNid: number | null; type: string; content: string; position: number; isDeleted?: boolean },
): Promise<void> {
  const { userNid, roomNid, type, content, position, isDeleted = false } = entry;
  await sql`
    insert into account_data (user_nid, room_nid, type, content, position, deleted)
    values (${userNid}, ${roomNid ?? NO_ROOM}, ${type}, ${content}, ${position}, ${isDeleted})
    on conflict (user_nid, room_nid, type) do update
    set    content = excluded.content, position = excluded.position, deleted = excluded.deleted`;
}

export async function findAccountData(sql: Sql, userNid: number, roomNid: number | null, type: string): Promise<string | undefined> {
  const [row] = await sql<{ content: string }[]>`
    select content from account_data where user_nid = ${userNid} and room_nid = ${roomNid ?? NO_ROOM} and type = ${type} and not deleted`;
  return row?.content;
}

/** What changed in (after, upTo], of all rooms and of none. What was removed is empty then, and not there at all from the start (0). */
export async function listAccountDataChanges(
  sql: Sql,
  userNid: number,
  { after, upTo }: { after: number; upTo: number },
): Promise<AccountDataRow[]> {
  return await sql<AccountDataRow[]>`
    select nullif(room_nid, ${NO_ROOM}) as "roomNid", type, content, position
    from   account_data
    where  user_nid = ${userNid} and position > ${after} and position <= ${upTo} and (not deleted or ${after} > 0)
    order  by position`;
}

/** How many entries a person has. */
export async function countAccountData(sql: Sql, userNid: number): Promise<number> {
  const [row] = await sql<{ count: number }[]>`select count(*) as count from account_data where user_nid = ${userNid}`;
  return row?.count ?? 0;
}

export async function deleteAllAccountData(sql: Sql, userNid: number): Promise<void> {
  await sql`delete from account_data where user_nid = ${userNid}`;
}

/** A person's entries of these types that are not about a room. */
export async function findAccountDataOfTypes(
  sql: Sql,
  userNid: number,
  types: readonly string[],
): Promise<{ type: string; content: string }[]> {
  return await sql<{ type: string; content: string }[]>`
    select type, content from account_data
    where  user_nid = ${userNid} and room_nid = ${NO_ROOM} and type = any(${[...types]}::text[])`;
}
