import type { Sql } from './database.ts';

export type UiaSessionRow = {
  sessionId: string;
  operation: string;
  userNid: number | null;
  bodyHash: Uint8Array | null;
  completed: string[];
  emailSid: string | null;
  registrationToken: string | null;
};

export async function insertUiaSession(
  sql: Sql,
  session: { sessionId: string; operation: string; userNid: number | undefined; expiresAt: number },
): Promise<void> {
  const { sessionId, operation, userNid, expiresAt } = session;
  await sql`
    insert into uia_sessions (session_id, operation, user_nid, expires_at)
    values (${sessionId}, ${operation}, ${userNid ?? null}, ${expiresAt})`;
}

export async function findUiaSession(sql: Sql, sessionId: string, now: number): Promise<UiaSessionRow | undefined> {
  const [row] = await sql<UiaSessionRow[]>`
    select session_id as "sessionId", operation, user_nid as "userNid", body_hash as "bodyHash", completed,
           email_sid as "emailSid", registration_token as "registrationToken"
    from   uia_sessions
    where  session_id = ${sessionId} and expires_at > ${now}`;
  return row;
}

/** Binds a session to a request body, if it is not bound yet. Returns the hash of the body it is bound to. */
export async function bindUiaSession(sql: Sql, sessionId: string, bodyHash: Uint8Array): Promise<Uint8Array | undefined> {
  const [row] = await sql<{ bodyHash: Uint8Array }[]>`
    update uia_sessions set body_hash = coalesce(body_hash, ${bodyHash}) where session_id = ${sessionId}
    returning body_hash as "bodyHash"`;
  return row?.bodyHash;
}

/** Adds a completed stage and what it proved. */
export async function completeUiaStage(
  sql: Sql,
  sessionId: string,
  stage: string,
  proof: { emailSid?: string | undefined; registrationToken?: string | undefined },
): Promise<void> {
  await sql`
    update uia_sessions
    set    completed = case when ${stage} = any(completed) then completed else completed || ${stage}::text end,
           email_sid = coalesce(${proof.emailSid ?? null}, email_sid),
           registration_token = coalesce(${proof.registrationToken ?? null}, registration_token)
    where  session_id = ${sessionId}`;
}

/** Ends a session. False when another request has ended it: what it allowed has been done. */
export async function deleteUiaSession(sql: Sql, sessionId: string): Promise<boolean> {
  const rows = await sql`delete from uia_sessions where session_id = ${sessionId} returning 1`;
  return rows.length > 0;
}

export async function deleteExpiredUiaSessions(sql: Sql, now: number): Promise<void> {
  await sql`delete from uia_sessions where expires_at <= ${now}`;
}
