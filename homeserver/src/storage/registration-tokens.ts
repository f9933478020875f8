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

export type RegistrationTokenRow = { token: string; usesAllowed: number | null; uses: number; pending: number; expiresAt: number | null };

/** All tokens, or those that are good, or those that are not, with how many sign-ups have shown each and are not done. */
export async function listRegistrationTokens(sql: Sql, now: number, isValid?: boolean): Promise<RegistrationTokenRow[]> {
  const good = sql`((uses_allowed is null or uses < uses_allowed) and (expires_at is null or expires_at > ${now}))`;
  const where = isValid === undefined ? sql`` : isValid ? sql`where ${good}` : sql`where not ${good}`;
  return await sql<RegistrationTokenRow[]>`
    select token, uses_allowed as "usesAllowed", uses, expires_at as "expiresAt",
           (select count(*) from uia_sessions s where s.registration_token = t.token and s.expires_at > ${now}) as pending
    from   registration_tokens t ${where}
    order  by token`;
}

/** Changes what is given of a token; null takes a bound away. False when there is no such token. */
export async function updateRegistrationToken(
  sql: Sql,
  token: string,
  change: { usesAllowed?: number | null | undefined; expiresAt?: number | null | undefined },
): Promise<boolean> {
  const { usesAllowed, expiresAt } = change;
  const rows = await sql`
    update registration_tokens
    set    uses_allowed = case when ${usesAllowed === undefined} then uses_allowed else ${usesAllowed ?? null}::bigint end,
           expires_at = case when ${expiresAt === undefined} then expires_at else ${expiresAt ?? null}::bigint end
    where  token = ${token}
    returning 1`;
  return rows.length > 0;
}

/** False when there was no such token. */
export async function deleteRegistrationToken(sql: Sql, token: string): Promise<boolean> {
  const rows = await sql`delete from registration_tokens where token = ${token} returning 1`;
  return rows.length > 0;
}
