/** Whether an address is this machine's own: whoever comes from there already rules the server. */
export function isLoopback(ip: string): boolean {
  const address = ip.startsWith('::ffff:') ? ip.slice('::ffff:'.length) : ip;
  return address === '::1' || address.startsWith('127.');
}
