import { readJson } from 'federation-spec/canonical-json/read-json.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import type { HttpClient, OutboundResponse } from '../../../platform/http-client/http-client.ts';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 50 * 1024;
const MAX_REDIRECTS = 5;
const HOUR_MS = 3_600_000;
const DEFAULT_CACHE_MS = 24 * HOUR_MS;
const MAX_CACHE_MS = 48 * HOUR_MS;
const MIN_CACHE_MS = 60_000;
const FAILURE_CACHE_MS = HOUR_MS;

/** Where a host says its homeserver is (`undefined`: it says nothing), and for how long that may be believed. */
export type WellKnown = { delegated: string | undefined; cacheMs: number };
export type FetchWellKnown = (host: string) => Promise<WellKnown>;

/** Step 3 of https://spec.matrix.org/latest/server-server-api/#resolving-server-names. Never throws: any fault means "nothing said". */
export function createFetchWellKnown(http: HttpClient): FetchWellKnown {
  return async (host) => {
    try {
      const response = await http.request({
        method: 'GET',
        url: `https://${host}/.well-known/matrix/server`,
        timeoutMs: TIMEOUT_MS,
        maxBytes: MAX_BYTES,
        maxRedirects: MAX_REDIRECTS,
      });
      const delegated = readDelegation(response);
      return delegated === undefined ? { delegated, cacheMs: FAILURE_CACHE_MS } : { delegated, cacheMs: cacheTime(response) };
    } catch {
      return { delegated: undefined, cacheMs: FAILURE_CACHE_MS };
    }
  };
}

function readDelegation({ status, body }: OutboundResponse): string | undefined {
  const read = status === 200 ? readJson(body) : undefined;
  if (read?.ok !== true || !isJsonObject(read.value)) return undefined;
  const name = read.value['m.server'];
  return typeof name === 'string' && parseServerName(name) !== undefined ? name : undefined;
}

function cacheTime({ headers }: OutboundResponse): number {
  const control = headers['cache-control'] ?? '';
  if (/no-(?:store|cache)/i.test(control)) return MIN_CACHE_MS;
  const maxAge = /max-age=(\d{1,9})/i.exec(control)?.[1];
  const expires = Date.parse(headers['expires'] ?? '');
  const served = Date.parse(headers['date'] ?? '');
  const wanted = maxAge !== undefined ? Number(maxAge) * 1000 : expires > served ? expires - served : DEFAULT_CACHE_MS;
  return Math.min(MAX_CACHE_MS, Math.max(MIN_CACHE_MS, wanted));
}
