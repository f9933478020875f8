const GROUPS = 8;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$/;

/**
 * Whether the text (without brackets) is an IPv6 address: eight groups, at most one `::` for a run of zeros, the last two groups perhaps
 * written as IPv4.
 *
 * https://datatracker.ietf.org/doc/html/rfc3513#section-2.2
 */
export function isIpv6Address(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const [head = '', tail] = halves;
  const headGroups = countGroups(head, tail === undefined);
  const tailGroups = tail === undefined ? 0 : countGroups(tail, true);
  if (headGroups === undefined || tailGroups === undefined) return false;
  return tail === undefined ? headGroups === GROUPS : headGroups + tailGroups < GROUPS;
}

function countGroups(text: string, mayEndInIpv4: boolean): number | undefined {
  if (text === '') return 0;
  const parts = text.split(':');
  const last = parts.at(-1) ?? '';
  if (!last.includes('.')) return parts.every((part) => GROUP.test(part)) ? parts.length : undefined;
  if (!mayEndInIpv4 || last.endsWith('.') || !IPV4.test(last)) return undefined;
  return parts.slice(0, -1).every((part) => GROUP.test(part)) ? parts.length + 1 : undefined;
}
