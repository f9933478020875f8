import type { Sql } from './database.ts';

export async function insertRegistrationToken(
  sql: Sql,
  token: { token: string; usesAllowed: number | undefined; expiresAt: number | undefined },
): Promise<boolean> {
  const rows = await sql`
    insert into registration_tokens (token, uses_allowed, expires_at)
    values (${token.token}, ${token.usesAllowed ?? null}, ${token.expiresAt ?? null})
    on conflict do nothing
    returning 1`;
  return rows.length > 0;
}

export async function isRegistrationTokenValid(sql: Sql, token: string, now: number): Promise<boolean> {
  const [row] = await sql<{ valid: boolean }[]>`
    select (uses_allowed is null or uses < uses_allowed) and (expires_at is null or expires_at > ${now}) as valid
    from   registration_tokens
    where  token = ${token}`;
  return row?.valid ?? false;
}

/** Counts one use. False when the token allows no more. */
export async function countRegistrationTokenUse(sql: Sql, token: string, now: number): Promise<boolean> {
  const rows = await sql`
    update registration_tokens set uses = uses + 1
    where  token = ${token} and (uses_allowed is null or uses < uses_allowed) and (expires_at is null or expires_at > ${now})
    returning 1`;
  return rows.length > 0;
}
