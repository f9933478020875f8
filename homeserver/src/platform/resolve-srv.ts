import { Resolver } from 'node:dns/promises';

export type SrvRecord = { host: string; port: number };

/** Looks a service up; the records in the order they are to be tried. No records, no such name and no answer are all the empty list. */
export type ResolveSrv = (name: string) => Promise<SrvRecord[]>;

const MAX_RECORDS = 8;
const TIMEOUT_MS = 5_000;
const TRIES = 2;

/** `servers` are name servers as `address:port`, instead of those of the system. */
export function createResolveSrv(servers?: readonly string[]): ResolveSrv {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  return async (name) => {
    const records = await resolver.resolveSrv(name).catch(() => []);
    return records
      .filter((record) => record.name !== '' && record.name !== '.')
      .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
      .slice(0, MAX_RECORDS)
      .map((record) => ({ host: record.name, port: record.port }));
  };
}
