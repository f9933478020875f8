import ipaddr from 'ipaddr.js';

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

/** More hops than any honest chain of proxies has. */
const MAX_HOPS = 10;

/**
 * Finds the address of the client. `X-Forwarded-For` is believed from a trusted proxy only, and read from its end: each trusted hop
 * vouches for the one before it.
 */
export function createClientIp(trustedProxies: readonly string[]): (peer: string, forwardedFor: string | undefined) => string {
  const isTrusted = createIsWithin(trustedProxies);
  return (peer, forwardedFor) => {
    let ip = normalise(peer) ?? peer;
    if (forwardedFor === undefined) return ip;
    const hops = forwardedFor.split(',').slice(-MAX_HOPS);
    for (let hop = hops.pop(); hop !== undefined && isTrusted(ip); hop = hops.pop()) {
      const next = normalise(hop.trim());
      if (next === undefined) break;
      ip = next;
    }
    return ip;
  };
}

/** Whether an address is within one of the networks. */
export function createIsWithin(cidrs: readonly string[]): (address: string) => boolean {
  const ranges = cidrs.map((cidr): Range => ipaddr.parseCIDR(cidr));
  return (address) => isWithin(address, ranges);
}

/**
 * Whose an address is: of IPv6 the network of 64 bits, which one customer of a provider has all of, to count and limit them by; otherwise
 * the address itself.
 */
export function networkOf(address: string): string {
  if (!address.includes(':') || !ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6
    ? `${parsed.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')}::/64`
    : parsed.toString();
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
