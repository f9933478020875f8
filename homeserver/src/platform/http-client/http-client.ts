import type { Readable } from 'node:stream';
import { Agent } from 'undici';
import type { AddressGuard } from './address-guard.ts';
import { BlockedAddress } from './blocked-address.ts';
import { checkIdentity } from './check-identity.ts';
import { createGuardedLookup } from './guarded-lookup.ts';
import { readBody } from './read-body.ts';

/** What this server calls itself in requests. */
export const USER_AGENT = 'BlinkChat';
const CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BYTES = 1024 * 1024;
const MAX_HEADER_BYTES = 32 * 1024;
const KEEP_ALIVE_MS = 30_000;
const CONNECTIONS_PER_HOST = 8;

export type OutboundRequest = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** http: or https:. A `host` header may name another host than the URL; the certificate is then checked for the header's. */
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
  /** For the whole exchange, redirects and body included. */
  timeoutMs?: number;
  /** A longer body is refused while it arrives. */
  maxBytes?: number;
  /** How many redirects are followed, each checked like the first address. None unless asked. */
  maxRedirects?: number;
  signal?: AbortSignal;
};

export type OutboundResponse = { status: number; headers: Readonly<Record<string, string>>; body: Uint8Array; url: string };
/** A response whose body is still to be read; destroy it when it is not wanted. The caller bounds its length. */
export type OutboundStream = Omit<OutboundResponse, 'body'> & { body: Readable };

export type HttpClient = {
  /** Rejects when the address is not allowed, the peer cannot be reached or does not prove who it is, or a limit is passed. */
  request: (request: OutboundRequest) => Promise<OutboundResponse>;
  open: (request: OutboundRequest) => Promise<OutboundStream>;
  close: () => Promise<void>;
};

type Options = {
  /** Absent for the operator's own services, which may be anywhere. */
  guard?: AddressGuard;
  /** Certificates (PEM) trusted beside the system's. */
  extraCa?: readonly string[];
  verifyTls?: boolean;
  /** The local address that connections are made from. */
  callsFrom?: string | undefined;
};

/** Makes outbound requests: to addresses that pass the guard, within time and size, without cookies or proxies. */
export function createHttpClient({ guard, extraCa = [], verifyTls = true, callsFrom }: Options): HttpClient {
  const agent = new Agent({
    connections: CONNECTIONS_PER_HOST,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    ...(callsFrom === undefined ? {} : { localAddress: callsFrom }),
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      rejectUnauthorized: verifyTls,
      checkServerIdentity: checkIdentity,
      ...(extraCa.length === 0 ? {} : { ca: [...extraCa] }),
      ...(guard === undefined ? {} : { lookup: createGuardedLookup(guard) }),
    },
  });

  async function openOnce(request: OutboundRequest, url: URL, signal: AbortSignal): Promise<OutboundStream> {
    if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(`requests to ${url.protocol} URLs are not made`);
    if (url.username !== '' || url.password !== '') throw new Error('a URL with a password in it is not requested');
    if (guard !== undefined && isIpLiteral(url.hostname) && !guard(url.hostname)) throw new BlockedAddress(url.hostname);
    const response = await agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method,
      headers: { 'user-agent': USER_AGENT, ...request.headers },
      body: request.body ?? null,
      signal,
    });
    return { status: response.statusCode, headers: flatten(response.headers), body: response.body, url: url.href };
  }

  async function open(request: OutboundRequest): Promise<OutboundStream> {
    const timeout = AbortSignal.timeout(request.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
    let url = new URL(request.url);
    let headers = request.headers;
    for (let redirects = 0; ; redirects += 1) {
      const response = await openOnce({ ...request, ...(headers === undefined ? {} : { headers }) }, url, signal);
      const location = response.headers['location'];
      if (response.status < 301 || response.status > 308 || location === undefined || request.maxRedirects === undefined) return response;
      response.body.on('error', () => undefined).destroy();
      if (redirects >= request.maxRedirects) throw new Error(`${request.url} redirects more than ${request.maxRedirects} times`);
      const next = new URL(location, url);
      if (url.protocol === 'https:' && next.protocol !== 'https:') throw new Error(`${request.url} redirects to an insecure address`);
      // What proves who we are to one host, or names it, is not for another.
      if (next.origin !== url.origin) headers = withoutHostsOwn(headers);
      url = next;
    }
  }

  return {
    open,
    request: async (request) => {
      const response = await open(request);
      return { ...response, body: await readBody(response.body, request.maxBytes ?? DEFAULT_MAX_BYTES) };
    },
    close: () => agent.destroy(),
  };
}

function withoutHostsOwn(headers: OutboundRequest['headers'] = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(?:host|authorization|cookie)$/i.test(name)));
}

/** The URL parser has already brought decimal, octal and hexadecimal forms of IPv4 addresses into the dotted one. */
function isIpLiteral(hostname: string): boolean {
  return hostname.startsWith('[') || /^[0-9.]+$/.test(hostname);
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  return flat;
}
