import type { Sql } from './database.ts';

export type EmailPurpose = 'register' | 'reset-password' | 'add-address';

export type EmailValidationRow = {
  sid: string;
  purpose: EmailPurpose;
  address: string;
  clientSecretHash: Uint8Array;
  sendAttempt: number;
  codeHmac: Uint8Array;
  linkHash: Uint8Array;
  tries: number;
  nextLink: string | null;
  validatedAt: number | null;
  spentOn: string | null;
  expiresAt: number;
};

type Secrets = { codeHmac: Uint8Array; linkHash: Uint8Array };

export async function insertEmailValidation(
  sql: Sql,
  validation: Secrets & {
    sid: string;
    purpose: EmailPurpose;
    address: string;
    clientSecretHash: Uint8Array;
    sendAttempt: number;
    nextLink: string | undefined;
    createdAt: number;
    expiresAt: number;
  },
): Promise<boolean> {
  const v = validation;
  const rows = await sql`
    insert into email_validations
           (sid, purpose, address, client_secret_hash, send_attempt, code_hmac, link_hash, next_link, created_at, expires_at)
    values (${v.sid}, ${v.purpose}, ${v.address}, ${v.clientSecretHash}, ${v.sendAttempt}, ${v.codeHmac}, ${v.linkHash},
            ${v.nextLink ?? null}, ${v.createdAt}, ${v.expiresAt})
    on conflict do nothing
    returning 1`;
  return rows.length > 0;
}

/** Gives a validation a new code and link, for a mail that is sent again. */
export async function renewEmailValidation(
  sql: Sql,
  sid: string,
  renewal: Secrets & { sendAttempt: number; expiresAt: number },
): Promise<void> {
  await sql`
    update email_validations
    set    code_hmac = ${renewal.codeHmac}, link_hash = ${renewal.linkHash}, send_attempt = ${renewal.sendAttempt},
           expires_at = ${renewal.expiresAt}, tries = 0
    where  sid = ${sid} and validated_at is null`;
}

export async function findEmailValidation(sql: Sql, sid: string): Promise<EmailValidationRow | undefined> {
  const [row] = await sql<EmailValidationRow[]>`
    select sid, purpose, address, client_secret_hash as "clientSecretHash", send_attempt as "sendAttempt", code_hmac as "codeHmac",
           link_hash as "linkHash", tries, next_link as "nextLink", validated_at as "validatedAt", spent_on as "spentOn",
           expires_at as "expiresAt"
    from   email_validations
    where  sid = ${sid}`;
  return row;
}

/** The validation that a client began for an address and a purpose. */
export async function findEmailValidationOf(
  sql: Sql,
  purpose: EmailPurpose,
  address: string,
  clientSecretHash: Uint8Array,
): Promise<{ sid: string; sendAttempt: number; validatedAt: number | null; expiresAt: number } | undefined> {
  const [row] = await sql<{ sid: string; sendAttempt: number; validatedAt: number | null; expiresAt: number }[]>`
    select sid, send_attempt as "sendAttempt", validated_at as "validatedAt", expires_at as "expiresAt"
    from   email_validations
    where  purpose = ${purpose} and address = ${address} and client_secret_hash = ${clientSecretHash}`;
  return row;
}

/** Counts a try before it is judged, so that tries made at once are counted too. False when there were too many. */
export async function countTry(sql: Sql, sid: string, maxTries: number): Promise<boolean> {
  const rows = await sql`update email_validations set tries = tries + 1 where sid = ${sid} and tries < ${maxTries} returning 1`;
  return rows.length > 0;
}

export async function markEmailValidated(sql: Sql, sid: string, validatedAt: number, expiresAt: number): Promise<void> {
  await sql`
    update email_validations
    set    validated_at = coalesce(validated_at, ${validatedAt}), expires_at = greatest(expires_at, ${expiresAt})
    where  sid = ${sid}`;
}

/** Spends a proof on one session or account. False when it was spent on another. */
export async function spendEmailValidation(sql: Sql, sid: string, spentOn: string): Promise<boolean> {
  const rows = await sql`
    update email_validations set spent_on = ${spentOn}
    where  sid = ${sid} and validated_at is not null and coalesce(spent_on, ${spentOn}) = ${spentOn}
    returning 1`;
  return rows.length > 0;
}

export async function deleteEmailValidation(sql: Sql, sid: string): Promise<void> {
  await sql`delete from email_validations where sid = ${sid}`;
}

export async function deleteExpiredEmailValidations(sql: Sql, now: number): Promise<void> {
  await sql`delete from email_validations where expires_at <= ${now}`;
}

/** Notes a mail to an address, unless it got `max` since a time. False then. */
export async function countMail(sql: Sql, address: string, since: number, max: number, now: number): Promise<boolean> {
  const rows = await sql`
    insert into mails_sent (address, sent_at)
    select ${address}, ${now}
    where  (select count(*) from mails_sent where address = ${address} and sent_at > ${since}) < ${max}
    returning 1`;
  return rows.length > 0;
}

export async function deleteOldMailCounts(sql: Sql, before: number): Promise<void> {
  await sql`delete from mails_sent where sent_at <= ${before}`;
}
