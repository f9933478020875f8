import type { HttpRequest } from './http-request.ts';
import { readQuery } from './read-query.ts';

/**
 * The access token of a request, in the header or in the query, where older clients put it.
 * https://spec.matrix.org/latest/client-server-api/#using-access-tokens
 */
export function readAccessToken({ headers, url }: Pick<HttpRequest, 'headers' | 'url'>): string | undefined {
  const header = headers['authorization'];
  const inHeader = header === undefined ? undefined : /^Bearer +(\S+)$/i.exec(header)?.[1];
  if (inHeader !== undefined) return inHeader;
  const at = url.indexOf('?');
  const inQuery = at === -1 ? undefined : readQuery(url.slice(at + 1))['access_token'];
  return Array.isArray(inQuery) ? inQuery[0] : inQuery;
}
