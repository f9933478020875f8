import ipaddr from 'ipaddr.js';

/** Whether outbound requests may go to an address, given as text. */
export type AddressGuard = (address: string) => boolean;

/** The one block of IPv6 that is routed on the public Internet; everything outside it is local, mapped, translated or reserved. */
const PUBLIC_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Lets through addresses of the public Internet, and those in the ranges (CIDRs) that the operator allows. Loopback, private, link-local,
 * multicast and reserved addresses are refused, and so are IPv6 forms that carry an IPv4 address in them (mapped, NAT64, 6to4, Teredo),
 * unless a mapped one is itself allowed as IPv4. Text that is no address is refused.
 */
export function createAddressGuard(allowed: readonly string[]): AddressGuard {
  const ranges = allowed.map((cidr) => ipaddr.parseCIDR(cidr));
  return (text) => {
    const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
    if (!ipaddr.isValid(bare)) return false;
    const address = ipaddr.process(bare);
    const isAllowed = ranges.some(([range, bits]) => range.kind() === address.kind() && address.match([range, bits] as [never, number]));
    if (isAllowed) return true;
    if (address.range() !== 'unicast') return false;
    return address.kind() === 'ipv4' || address.match([PUBLIC_IPV6[0], PUBLIC_IPV6[1]] as [never, number]);
  };
}
