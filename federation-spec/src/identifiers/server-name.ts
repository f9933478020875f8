import { isIpv6Address } from './ipv6-address.ts';

/** A server name taken apart: the host as written (with brackets around IPv6) and the port if it names one. */
export type ServerName = { host: string; port?: number; kind: 'dns' | 'ipv4' | 'ipv6' };

const SERVER_NAME = /^(?:(?<dns>[0-9A-Za-z.-]{1,255})|\[(?<ipv6>[0-9A-Fa-f:.]{2,45})\])(?::(?<port>[0-9]{1,5}))?$/;
const DOTTED_QUAD = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const MAX_PORT = 65_535;

/**
 * Parses a server name: a DNS name, an IPv4 address or a bracketed IPv6 address, with or without a port.
 *
 * https://spec.matrix.org/latest/appendices/#server-name
 */
export function parseServerName(text: string): ServerName | undefined {
  const groups = SERVER_NAME.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const port = groups['port'] === undefined ? undefined : Number(groups['port']);
  if (port !== undefined && port > MAX_PORT) return undefined;
  const withPort = port === undefined ? {} : { port };
  const ipv6 = groups['ipv6'];
  if (ipv6 !== undefined) return isIpv6Address(ipv6) ? { host: `[${ipv6}]`, kind: 'ipv6', ...withPort } : undefined;
  const host = groups['dns'] ?? '';
  if (!DOTTED_QUAD.test(host)) return { host, kind: 'dns', ...withPort };
  return host.split('.').every((part) => Number(part) <= 255) ? { host, kind: 'ipv4', ...withPort } : undefined;
}

/** The server part of `@user:server`, `!room:server`, `#alias:server` or `$event:server`; `undefined` when there is none or it is no server name. */
export function serverNameOf(id: string): string | undefined {
  const colon = id.indexOf(':');
  if (colon === -1) return undefined;
  const serverName = id.slice(colon + 1);
  return parseServerName(serverName) === undefined ? undefined : serverName;
}
