import type { Sql } from './database.ts';

export type OAuthCodeRow = {
  clientId: string;
  userNid: number;
  deviceId: string;
  scope: string;
  redirectUri: string;
  codeChallenge: string;
  expiresAt: number;
};

export async function insertOAuthCode(sql: Sql, code: OAuthCodeRow & { codeHash: Uint8Array }): Promise<void> {
  const c = code;
  await sql`
    insert into oauth_codes (code_hash, client_id, user_nid, device_id, scope, redirect_uri, code_challenge, expires_at)
    values (${c.codeHash}, ${c.clientId}, ${c.userNid}, ${c.deviceId}, ${c.scope}, ${c.redirectUri}, ${c.codeChallenge}, ${c.expiresAt})`;
}

/** Marks a code as used. `wasUsed` tells whether it had been before: then somebody else may have it too. */
export async function useOAuthCode(sql: Sql, codeHash: Uint8Array): Promise<(OAuthCodeRow & { wasUsed: boolean }) | undefined> {
  const [row] = await sql<(OAuthCodeRow & { wasUsed: boolean })[]>`
    update oauth_codes new set used = true
    from   (select code_hash, used from oauth_codes where code_hash = ${codeHash} for update) old
    where  new.code_hash = old.code_hash
    returning new.client_id as "clientId", new.user_nid as "userNid", new.device_id as "deviceId", new.scope,
              new.redirect_uri as "redirectUri", new.code_challenge as "codeChallenge", new.expires_at as "expiresAt", old.used as "wasUsed"`;
  return row;
}

export async function deleteExpiredOAuthCodes(sql: Sql, before: number): Promise<void> {
  await sql`delete from oauth_codes where expires_at <= ${before}`;
}
