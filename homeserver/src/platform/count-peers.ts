import { readFile } from 'node:fs/promises';

/** Linux' tables of TCP connections, of IPv4 and of IPv6. */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
/** Established, and closed by the peer alone: those that still take a file descriptor of the process. */
const HELD_STATES: ReadonlySet<string> = new Set(['01', '08']);
const LIMITS = '/proc/self/limits';

/**
 * How many connections each address has to some of our ports, as the system knows it.
 *
 * @returns by address, as `ipaddr.js` reads it; undefined where the system has no such tables
 */
export async function countPeers(ports: readonly number[]): Promise<Map<string, number> | undefined> {
  const tables = await Promise.all(TABLES.map(readOptional));
  if (tables.every((table) => table === undefined)) return undefined;
  const counts = new Map<string, number>();
  const wanted = new Set(ports.map((port) => port.toString(16).toUpperCase().padStart(4, '0')));
  for (const line of tables.flatMap((table) => table?.split('\n').slice(1) ?? [])) {
    const [, local = '', remote = '', state = ''] = line.trim().split(/ +/, 4);
    if (!HELD_STATES.has(state) || !wanted.has(local.slice(local.indexOf(':') + 1))) continue;
    const address = readAddress(remote.slice(0, remote.indexOf(':')));
    counts.set(address, (counts.get(address) ?? 0) + 1);
  }
  return counts;
}

/** How many files and connections this process may have open at a time; undefined where the system does not say, or knows no bound. */
export async function findFileLimit(): Promise<number | undefined> {
  const [, soft] = /^Max open files +(\d+)/m.exec((await readOptional(LIMITS)) ?? '') ?? [];
  return soft === undefined ? undefined : Number(soft);
}

/** The words of an address stand in the byte order of the machine, which is little-endian wherever we run. */
function readAddress(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  if (bytes.length === 4) return bytes.join('.');
  return Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(2 * n).toString(16)).join(':');
}

async function readOptional(path: string): Promise<string | undefined> {
  return await readFile(path, 'latin1').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EACCES') return undefined;
    throw error;
  });
}
