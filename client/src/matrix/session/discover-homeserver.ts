import { getLoginFlows } from 'federation-spec/api/client/login.ts';
import { getVersions } from 'federation-spec/api/client/versions.ts';
import { parseUserId } from 'federation-spec/identifiers/user-id.ts';
import { createMatrixHttp, NO_TOKENS } from '../http/matrix-http.ts';
import { isJsonObject, objectIn, stringIn } from '../json.ts';

const WELL_KNOWN_TIMEOUT_MS = 10_000;

/** A homeserver that answered, and how one can log in there. */
export type Homeserver = {
  /** What the user typed, cleaned: a server name. */
  serverName: string;
  /** Base URL of its client API, without a trailing slash. */
  baseUrl: string;
  /** Such as `m.login.password`, `m.login.sso`. */
  loginTypes: readonly string[];
};

/** No homeserver was found; the message says for people what was tried. */
export class DiscoveryError extends Error {
  override readonly name = 'DiscoveryError';
}

/**
 * Finds the homeserver behind what a user types: a server name (`example.org`), a user id, or a URL.
 * https://spec.matrix.org/latest/client-server-api/#well-known-uris
 *
 * 1. Ask `https://<name>/.well-known/matrix/client`; a missing one is no error, a broken one is.
 * 2. Take its `m.homeserver.base_url`, or the name itself.
 * 3. Check that a homeserver answers there.
 */
export async function discoverHomeserver(fetch: typeof globalThis.fetch, typed: string): Promise<Homeserver> {
  const target = readTyped(typed);
  const announced = await fetchWellKnown(fetch, target.origin);
  const baseUrl = (announced ?? target.origin).replace(/\/+$/, '');

  const http = createMatrixHttp({ baseUrl, fetch, tokens: NO_TOKENS });
  try {
    await http.request(getVersions, { timeoutMs: WELL_KNOWN_TIMEOUT_MS });
    const { flows } = await http.request(getLoginFlows, { timeoutMs: WELL_KNOWN_TIMEOUT_MS });
    return { serverName: target.serverName, baseUrl, loginTypes: (flows ?? []).map(({ type }) => type) };
  } catch (error) {
    throw new DiscoveryError(`No Matrix homeserver answers at ${baseUrl}`, { cause: error });
  }
}

function readTyped(typed: string): { serverName: string; origin: string } {
  const trimmed = typed.trim();
  const afterUser = parseUserId(trimmed)?.serverName ?? trimmed;
  try {
    const url = new URL(/^https?:\/\//.test(afterUser) ? afterUser : `${isLoopback(afterUser) ? 'http' : 'https'}://${afterUser}`);
    return { serverName: url.host, origin: url.origin };
  } catch (error) {
    throw new DiscoveryError(`"${typed}" is not the name of a server; it looks like "example.org"`, { cause: error });
  }
}

function isLoopback(name: string): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(name);
}

async function fetchWellKnown(fetch: typeof globalThis.fetch, origin: string): Promise<string | undefined> {
  let response: Response;
  try {
    response = await fetch(`${origin}/.well-known/matrix/client`, { signal: AbortSignal.timeout(WELL_KNOWN_TIMEOUT_MS) });
  } catch {
    return undefined;
  }
  if (!response.ok) return undefined;
  const body: unknown = await response.json().catch(() => undefined);
  if (!isJsonObject(body)) return undefined;
  const announced = stringIn(objectIn(body, 'm.homeserver'), 'base_url');
  if (announced === undefined || !/^https?:\/\//.test(announced)) {
    throw new DiscoveryError(`${origin} announces no usable homeserver address`);
  }
  return announced;
}
