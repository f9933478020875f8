import ipaddr from 'ipaddr.js';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** More hops than any honest chain of proxies has. */
const MAX_HOPS = 10;

/**
 * Finds the address of the client. `X-Forwarded-For` is believed from a trusted proxy only, and read from its end: each trusted hop
 * vouches for the one before it.
 */
export function createClientIp(trustedProxies: readonly string[]): (peer: string, forwardedFor: string | undefined) => string {
  const ranges = trustedProxies.map((cidr): Range => ipaddr.parseCIDR(cidr));
  return (peer, forwardedFor) => {
    let ip = normalise(peer) ?? peer;
    if (forwardedFor === undefined) return ip;
    const hops = forwardedFor.split(',').slice(-MAX_HOPS);
    for (let hop = hops.pop(); hop !== undefined && isWithin(ip, ranges); hop = hops.pop()) {
      const next = normalise(hop.trim());
      if (next === undefined) break;
      ip = next;
    }
    return ip;
  };
}

/** The usual spelling of an address; an IPv4 address written as IPv6 becomes plain. */
function normalise(address: string): string | undefined {
  return ipaddr.isValid(address) ? ipaddr.process(address).toString() : undefined;
}

function isWithin(address: string, ranges: readonly Range[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return ranges.some(([network, bits]) => network.kind() === parsed.kind() && parsed.match(network, bits));
}
