import { readFile } from 'node:fs/promises';
import { importPKCS8, SignJWT } from 'jose';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Clock } from './clock.ts';
import type { HttpClient } from './http-client/http-client.ts';

const LIFETIME_S = 3_600;
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';

const ServiceAccountSchema = Type.Object({
  project_id: Type.String({ minLength: 1 }),
  client_email: Type.String({ minLength: 1 }),
  private_key: Type.String({ minLength: 1 }),
  private_key_id: Type.Optional(Type.String()),
  token_uri: Type.String({ pattern: '^https://' }),
});
const TokenSchema = Type.Object({ access_token: Type.String({ minLength: 1 }), expires_in: Type.Integer({ minimum: 1 }) });
export type ServiceAccount = Type.Static<typeof ServiceAccountSchema>;

/** Reads the JSON file that Google gives for a service account. Throws when it is not one, naming the file. */
export async function readServiceAccount(file: string): Promise<ServiceAccount> {
  try {
    const account: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!Value.Check(ServiceAccountSchema, account)) throw new Error('project_id, client_email, private_key or token_uri is missing');
    await importPKCS8(account.private_key, 'RS256');
    return account;
  } catch (cause) {
    throw new Error(`BLINKCHAT_PUSH_FCM_CREDENTIALS: ${file} is not a service account's JSON file. Download it again from Firebase.`, {
      cause,
    });
  }
}

/** Asks for access tokens as a service account. https://developers.google.com/identity/protocols/oauth2/service-account#httprest */
export function createGoogleToken({ account, http, clock }: { account: ServiceAccount; http: HttpClient; clock: Clock }) {
  return async function fetchGoogleToken(): Promise<{ access_token: string; expires_in: number }> {
    const now = Math.floor(clock.now() / 1_000);
    const assertion = await new SignJWT({ scope: SCOPE })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(account.private_key_id === undefined ? {} : { kid: account.private_key_id }) })
      .setIssuer(account.client_email)
      .setAudience(account.token_uri)
      .setIssuedAt(now)
      .setExpirationTime(now + LIFETIME_S)
      .sign(await importPKCS8(account.private_key, 'RS256'));
    const { status, body } = await http.request({
      method: 'POST',
      url: account.token_uri,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }).toString(),
    });
    const answer: unknown = status === 200 ? JSON.parse(new TextDecoder().decode(body)) : undefined;
    if (!Value.Check(TokenSchema, answer)) throw new Error(`${account.token_uri} gave no access token; it answered with status ${status}`);
    return answer;
  };
}
