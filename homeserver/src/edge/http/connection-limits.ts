import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { createIsWithin, networkOf } from './client-ip.ts';

/** Of all files that the process may have open, so many are for connections of clients; the rest is for the database, other servers, media. */
const SHARE_OF_FILES = 0.75;
/** How often the system may be asked who has how many connections, and how much of the time it may take. */
const CENSUS_EVERY_MS = 1_000;
const CENSUS_SHARE = 0.05;
/** How often the log tells that connections are refused. */
const TELL_EVERY_MS = 60_000;

/** Holds each address, and all together, to a number of open connections. */
export type ConnectionLimits = {
  /** A connection was opened. False when it is one too many, and to be closed. */
  opened: (peer: string) => boolean;
  /** A connection, whosever it was, was closed; also one that was refused. */
  closed: () => void;
};

export type ConnectionLimitDeps = {
  /** For each address (of IPv6, each network of 64 bits). */
  maxPerAddress: number;
  /** What the process may have open; undefined when that is unknown. */
  fileLimit: number | undefined;
  /** All connections of these are other people's: they are not counted by address. */
  trustedProxies: readonly string[];
  /** How many connections each address has, as the system knows it; undefined where it does not. */
  countPeers: () => Promise<Map<string, number> | undefined>;
  logger: Logger;
  metrics: Metrics;
};

/**
 * The listener says whose connection is opened, but of one that is closed only that it was. So as long as all together are fewer than one
 * address may have, nobody is counted; beyond, the system is asked from time to time who has how many, and what is opened meanwhile is added.
 */
export function createConnectionLimits(deps: ConnectionLimitDeps): ConnectionLimits {
  const { maxPerAddress, fileLimit, countPeers, logger, metrics } = deps;
  const maxOpen = fileLimit === undefined ? Number.POSITIVE_INFINITY : Math.floor(fileLimit * SHARE_OF_FILES);
  const isTrusted = createIsWithin(deps.trustedProxies);
  const refusals = metrics.counter('connections_refused_total', 'Connections that were one too many, of one address or of all', ['bound']);
  metrics.gauge('connections_open', 'Connections of clients, servers and proxies', [], (gauge) => gauge.set(open));
  let open = 0;
  let byNetwork = new Map<string, number>();
  let isCounting = false;
  let nextCensusAt = 0;
  let toldAt = Number.NEGATIVE_INFINITY;

  async function takeCensus(): Promise<void> {
    const startedAt = performance.now();
    isCounting = true;
    try {
      const counts = await countPeers();
      if (counts === undefined) {
        nextCensusAt = Number.POSITIVE_INFINITY; // Not here: the bound of all together remains.
        byNetwork.clear();
        return;
      }
      byNetwork = new Map();
      for (const [peer, count] of counts) byNetwork.set(networkOf(peer), (byNetwork.get(networkOf(peer)) ?? 0) + count);
      const endedAt = performance.now();
      nextCensusAt = endedAt + Math.max(CENSUS_EVERY_MS, (endedAt - startedAt) / CENSUS_SHARE);
    } catch (error) {
      nextCensusAt = performance.now() + TELL_EVERY_MS;
      logger.warn({ err: error }, 'who has how many connections could not be read');
    } finally {
      isCounting = false;
    }
  }

  function refuse(bound: 'address' | 'all', peer: string): false {
    refusals.inc({ bound });
    const now = performance.now();
    if (now - toldAt > TELL_EVERY_MS) {
      toldAt = now;
      logger.warn({ peer, open, bound }, 'connections are refused: too many are open');
    }
    return false;
  }

  return {
    opened: (peer) => {
      open += 1;
      if (open > maxOpen) return refuse('all', peer);
      if (open <= maxPerAddress) {
        byNetwork.clear();
        return true;
      }
      if (nextCensusAt === Number.POSITIVE_INFINITY || isTrusted(peer)) return true;
      if (!isCounting && performance.now() >= nextCensusAt) void takeCensus();
      const network = networkOf(peer);
      const count = byNetwork.get(network) ?? 0;
      if (count >= maxPerAddress) return refuse('address', peer);
      byNetwork.set(network, count + 1);
      return true;
    },
    closed: () => {
      open -= 1;
    },
  };
}
