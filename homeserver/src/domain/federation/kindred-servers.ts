import { LRUCache } from 'lru-cache';

/** Which other servers are of this kind, and understand what only these tell each other. */
export type KindredServers = {
  /** Notes as what a server presents itself with a request that it has signed. */
  saw: (serverName: string, userAgent: string) => void;
  /** Whether it has lately presented itself as one of them. */
  isKindred: (serverName: string) => boolean;
};

const MAX_REMEMBERED = 10_000;

/** `product`: what servers of this kind call themselves in requests. Nothing is kept across restarts: their next request tells it anew. */
export function createKindredServers(product: string): KindredServers {
  const kindred = new LRUCache<string, true>({ max: MAX_REMEMBERED });
  return {
    saw: (serverName, userAgent) => {
      if (userAgent === product || userAgent.startsWith(`${product}/`)) kindred.set(serverName, true);
      else kindred.delete(serverName);
    },
    isKindred: (serverName) => kindred.has(serverName),
  };
}
