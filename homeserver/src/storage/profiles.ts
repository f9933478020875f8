import type { Sql } from './database.ts';

/** A profile field; `value` is JSON text. */
export type ProfileField = { name: string; value: string };

export async function listProfileFields(sql: Sql, userId: string): Promise<ProfileField[]> {
  return await sql<ProfileField[]>`
    select p.name, p.value from profile_fields p join users u using (user_nid) where u.user_id = ${userId} order by p.name`;
}

/** Sets a field, unless the profile's names and values together would then exceed `maxBytes`. False then. */
export async function upsertProfileField(sql: Sql, userNid: number, { name, value }: ProfileField, maxBytes: number): Promise<boolean> {
  const rows = await sql`
    insert into profile_fields (user_nid, name, value)
    select ${userNid}, ${name}, ${value}
    where  (select coalesce(sum(octet_length(name) + octet_length(value)), 0)
            from   profile_fields where user_nid = ${userNid} and name <> ${name}) + ${Buffer.byteLength(name) + Buffer.byteLength(value)}::int8 <= ${maxBytes}
    on conflict (user_nid, name) do update set value = excluded.value
    returning 1`;
  return rows.length > 0;
}

export async function deleteProfileField(sql: Sql, userNid: number, name: string): Promise<void> {
  await sql`delete from profile_fields where user_nid = ${userNid} and name = ${name}`;
}

export async function deleteProfile(sql: Sql, userNid: number): Promise<void> {
  await sql`delete from profile_fields where user_nid = ${userNid}`;
}
