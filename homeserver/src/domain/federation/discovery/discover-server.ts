import { parseServerName, type ServerName } from 'federation-spec/identifiers/server-name.ts';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../platform/clock.ts';
import type { ResolveSrv } from '../../../platform/resolve-srv.ts';
import type { FetchWellKnown } from './fetch-well-known.ts';

const DEFAULT_PORT = 8448;
const MAX_CACHED = 10_000;
/** How long an answer is kept at most that did not come from a well-known file alone. */
const SRV_CACHE_MS = 3_600_000;

/** Where to connect to, and as whom to greet the server: the certificate must be good for `hostHeader` without its port. */
export type ServerAddress = { host: string; port: number; hostHeader: string };

/** The addresses of a server in the order they are to be tried. Throws for what is no server name. */
export type DiscoverServer = (serverName: string) => Promise<ServerAddress[]>;

type Deps = { fetchWellKnown: FetchWellKnown; resolveSrv: ResolveSrv; clock: Clock };
type Found = { addresses: ServerAddress[]; until: number };

/** https://spec.matrix.org/latest/server-server-api/#resolving-server-names; the numbers are its steps. */
export function createDiscoverServer({ fetchWellKnown, resolveSrv, clock }: Deps): DiscoverServer {
  const cache = new LRUCache<string, Promise<Found>>({ max: MAX_CACHED });

  async function discover(serverName: string): Promise<Found> {
    const name = parseServerName(serverName);
    if (name === undefined) throw new Error(`${serverName} is no server name`);
    const known = findPlainAddress(name); // 1, 2
    if (known !== undefined) return { addresses: [known], until: Number.POSITIVE_INFINITY };

    const { delegated, cacheMs } = await fetchWellKnown(name.host); // 3
    const target = delegated === undefined ? name : (parseServerName(delegated) ?? name);
    const plain = findPlainAddress(target); // 3.1, 3.2
    if (plain !== undefined) return { addresses: [plain], until: clock.now() + cacheMs };
    return { addresses: await findByService(target.host), until: clock.now() + Math.min(cacheMs, SRV_CACHE_MS) };
  }

  /** 3.3 to 3.5, and 4 to 6 for the name itself. */
  async function findByService(host: string): Promise<ServerAddress[]> {
    for (const service of ['_matrix-fed._tcp', '_matrix._tcp']) {
      const records = await resolveSrv(`${service}.${host}`);
      if (records.length > 0) return records.map((record) => ({ host: record.host, port: record.port, hostHeader: host }));
    }
    return [{ host, port: DEFAULT_PORT, hostHeader: host }];
  }

  return async (serverName) => {
    const cached = await cache.get(serverName);
    if (cached !== undefined && cached.until > clock.now()) return cached.addresses;
    const finding = discover(serverName);
    cache.set(serverName, finding);
    try {
      return (await finding).addresses;
    } catch (error) {
      cache.delete(serverName);
      throw error;
    }
  };
}

/** IP literals and names with a port say themselves where they are. */
function findPlainAddress({ host, kind, port }: ServerName): ServerAddress | undefined {
  if (kind === 'dns' && port === undefined) return undefined;
  return { host, port: port ?? DEFAULT_PORT, hostHeader: port === undefined ? host : `${host}:${port}` };
}
