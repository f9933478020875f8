import { notFound, unknown } from '../../platform/matrix-error.ts';
import type { Database } from '../../storage/database.ts';
import { listDestinationFailures, listDestinations } from '../../storage/federation-destinations.ts';
import { plainRetryDelayMs } from './outbound/backoff.ts';
import type { Reachability } from './outbound/reachability.ts';

/** A server, and since when it cannot be reached. Times in milliseconds. */
export type Destination = { destination: string; failure: { triedAt: number; intervalMs: number; failingSince: number } | undefined };

/** What an admin is told of other servers, and does about them. */
export type Destinations = {
  list: (wish: { from: number; limit: number; part: string | undefined }) => Promise<{ destinations: Destination[]; total: number }>;
  /** Throws M_NOT_FOUND. */
  load: (destination: string) => Promise<Destination>;
  /** Has a server tried again at once. Throws M_NOT_FOUND, M_UNKNOWN for one that can be reached. */
  reset: (destination: string) => Promise<void>;
};

type Deps = { database: Database; reachability: Pick<Reachability, 'succeeded'> };

/** https://element-hq.github.io/synapse/latest/usage/administration/admin_api/federation.html */
export function createDestinations({ database, reachability }: Deps): Destinations {
  const { sql } = database;

  async function listAll(): Promise<Destination[]> {
    const [servers, failures] = await Promise.all([listDestinations(sql), listDestinationFailures(sql)]);
    const failing = new Map(failures.map((failure) => [failure.destination, failure]));
    return servers.map((destination) => {
      const known = failing.get(destination);
      if (known === undefined) return { destination, failure: undefined };
      const { failingSince, retryAt, failures: count } = known;
      const intervalMs = plainRetryDelayMs(count);
      return { destination, failure: { triedAt: retryAt - intervalMs, intervalMs, failingSince } };
    });
  }

  async function load(destination: string): Promise<Destination> {
    const found = (await listAll()).find((each) => each.destination === destination);
    if (found === undefined) throw notFound(`This server has nothing to do with ${destination}`);
    return found;
  }

  return {
    list: async ({ from, limit, part }) => {
      const fitting = (await listAll()).filter(({ destination }) => part === undefined || destination.includes(part.toLowerCase()));
      return { destinations: fitting.slice(from, from + limit), total: fitting.length };
    },
    load,
    reset: async (destination) => {
      const { failure } = await load(destination);
      if (failure === undefined) throw unknown(`${destination} can be reached: there is nothing to reset`);
      reachability.succeeded(destination);
    },
  };
}
