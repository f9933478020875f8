import type { Sql } from './database.ts';

export type SsoPurpose = 'client' | 'page' | 'proof' | 'link';
export type SsoAttemptRow = {
  browserHash: Uint8Array;
  /** The id of the provider. */
  provider: string;
  nonce: string;
  codeVerifier: string;
  purpose: SsoPurpose;
  target: string;
  identity: string | null;
  expiresAt: number;
};

export async function insertSsoAttempt(sql: Sql, attempt: SsoAttemptRow & { stateHash: Uint8Array }): Promise<void> {
  const a = attempt;
  await sql`
    insert into sso_attempts (state_hash, browser_hash, provider, nonce, code_verifier, purpose, target, identity, expires_at)
    values (${a.stateHash}, ${a.browserHash}, ${a.provider}, ${a.nonce}, ${a.codeVerifier}, ${a.purpose}, ${a.target}, ${a.identity}, ${a.expiresAt})`;
}

/** Takes an attempt out of the table, so that its state works once. */
export async function takeSsoAttempt(sql: Sql, stateHash: Uint8Array): Promise<SsoAttemptRow | undefined> {
  const [row] = await sql<SsoAttemptRow[]>`
    delete from sso_attempts where state_hash = ${stateHash}
    returning browser_hash as "browserHash", provider, nonce, code_verifier as "codeVerifier", purpose, target, identity, expires_at as "expiresAt"`;
  return row;
}

export async function deleteExpiredSsoAttempts(sql: Sql, now: number): Promise<void> {
  await sql`delete from sso_attempts where expires_at <= ${now}`;
}
