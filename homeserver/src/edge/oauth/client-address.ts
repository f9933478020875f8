import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import { invalidParam } from '../../platform/matrix-error.ts';

/** Addresses that a browser would run or show instead of going somewhere. */
const DANGEROUS_SCHEMES = ['javascript:', 'data:', 'vbscript:', 'blob:', 'file:', 'about:', 'view-source:'];
const MAX_URL_CHARACTERS = 4_096;

/** The client that sent a person here gets a token to log in with. https://spec.matrix.org/latest/client-server-api/#client-login-via-sso */
export async function addLoginToken(accounts: Accounts, userNid: number, redirectUrl: string): Promise<URL> {
  const { loginToken } = await accounts.logIn.createLoginToken(userNid);
  const url = new URL(redirectUrl);
  url.searchParams.append('loginToken', loginToken);
  return url;
}

/** What people know an address by. */
export function placeName(address: string): string {
  const url = new URL(address);
  return url.host === '' ? `the app that opens ${url.protocol}` : url.host;
}

export function checkRedirectUrl(redirectUrl: string): string {
  const url = redirectUrl.length > MAX_URL_CHARACTERS ? null : URL.parse(redirectUrl);
  if (url === null || DANGEROUS_SCHEMES.includes(url.protocol))
    throw invalidParam('redirectUrl is no address that a browser can be sent to');
  return redirectUrl;
}
