import { readJson } from 'federation-spec/canonical-json/read-json.ts';
import { isJsonObject } from 'federation-spec/events/event.ts';
import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import type { HttpClient, OutboundResponse } from '../../../platform/http-client/http-client.ts';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 50 * 1024;
const MAX_REDIRECTS = 5;
const HOUR_MS = 3_600_000;
const DEFAULT_CACHE_MS = 24 * HOUR_MS;
const MAX_CACHE_MS = 48 * HOUR_MS;
const MIN_CACHE_MS = 60_000;
const FAILURE_CACHE_MS = HOUR_MS;
/** A host that does not answer, or has trouble, may be back soon. */
const AWAY_CACHE_MS = 120_000;
/** How many hosts are remembered, and for how long, by what they said before they stopped answering. */
const MAX_REMEMBERED = 10_000;
const REMEMBERED_MS = 48 * HOUR_MS;

/** Where a host says its homeserver is (`undefined`: it says nothing), and for how long that may be believed. */
export type WellKnown = { delegated: string | undefined; cacheMs: number };
export type FetchWellKnown = (host: string) => Promise<WellKnown>;

/**
 * Step 3 of https://spec.matrix.org/latest/server-server-api/#resolving-server-names. Never throws: any fault means "nothing said"; a host
 * that does not answer for a while still stands by what it said before.
 */
export function createFetchWellKnown({ http, clock }: { http: HttpClient; clock: Clock }): FetchWellKnown {
  const remembered = new LRUCache<string, string>({ max: MAX_REMEMBERED, ttl: REMEMBERED_MS });

  return async (host) => {
    const response = await fetchFile(http, host);
    if (response === undefined || response.status >= 500) return { delegated: remembered.get(host), cacheMs: AWAY_CACHE_MS };
    const delegated = readDelegation(response);
    if (delegated === undefined) {
      remembered.delete(host);
      return { delegated, cacheMs: FAILURE_CACHE_MS };
    }
    remembered.set(host, delegated);
    return { delegated, cacheMs: cacheTime(response, clock.now()) };
  };
}

async function fetchFile(http: HttpClient, host: string): Promise<OutboundResponse | undefined> {
  try {
    return await http.request({
      method: 'GET',
      url: `https://${host}/.well-known/matrix/server`,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
      maxRedirects: MAX_REDIRECTS,
    });
  } catch {
    return undefined;
  }
}

function readDelegation({ status, body }: OutboundResponse): string | undefined {
  const read = status === 200 ? readJson(body) : undefined;
  if (read?.ok !== true || !isJsonObject(read.value)) return undefined;
  const name = read.value['m.server'];
  return typeof name === 'string' && parseServerName(name) !== undefined ? name : undefined;
}

function cacheTime({ headers }: OutboundResponse, now: number): number {
  const control = headers['cache-control'] ?? '';
  if (/no-(?:store|cache)/i.test(control)) return MIN_CACHE_MS;
  const maxAge = /max-age=(\d{1,9})/i.exec(control)?.[1];
  const wanted = maxAge !== undefined ? Number(maxAge) * 1000 : lifeTime(headers['expires'], headers['date'], now);
  return Math.min(MAX_CACHE_MS, Math.max(MIN_CACHE_MS, wanted));
}

/** Until it expires; what is no date stands for one in the past. https://www.rfc-editor.org/rfc/rfc9111#section-5.3 */
function lifeTime(expires: string | undefined, date: string | undefined, now: number): number {
  if (expires === undefined) return DEFAULT_CACHE_MS;
  const served = Date.parse(date ?? '');
  const lasts = Date.parse(expires) - (Number.isNaN(served) ? now : served);
  return Number.isNaN(lasts) ? 0 : lasts;
}
