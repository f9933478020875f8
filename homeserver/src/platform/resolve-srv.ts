import { Resolver } from 'node:dns/promises';
import type { Random } from './random.ts';

export type SrvRecord = { host: string; port: number };
type WeighedRecord = { name: string; port: number; priority: number; weight: number };

/** Looks a service up; the records in the order they are to be tried. No records, no such name and no answer are all the empty list. */
export type ResolveSrv = (name: string) => Promise<SrvRecord[]>;

/** How many records of a service are looked at, and how many of them are tried. */
const MAX_RECORDS = 100;
const MAX_TRIED = 8;
const TIMEOUT_MS = 5_000;
const TRIES = 2;

/** `servers` are name servers as `address:port`, instead of those of the system. */
export function createResolveSrv(random: Pick<Random, 'integer'>, servers?: readonly string[]): ResolveSrv {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  return async (name) => {
    const records = (await resolver.resolveSrv(name).catch(() => [])).slice(0, MAX_RECORDS);
    const usable = records.filter((record) => record.name !== '' && record.name !== '.');
    return orderByWeight(usable, random)
      .slice(0, MAX_TRIED)
      .map((record) => ({ host: record.name, port: record.port }));
  };
}

/**
 * Records of lower priority numbers first; among those of one priority each is drawn as often as its weight says.
 * https://www.rfc-editor.org/rfc/rfc2782 (the format of the SRV RR, "Weight")
 */
export function orderByWeight<Weighed extends WeighedRecord>(records: readonly Weighed[], random: Pick<Random, 'integer'>): Weighed[] {
  const byPriority = Map.groupBy(records, (record) => record.priority);
  return [...byPriority].sort(([a], [b]) => a - b).flatMap(([, equals]) => draw(equals, random));
}

function draw<Weighed extends WeighedRecord>(records: readonly Weighed[], random: Pick<Random, 'integer'>): Weighed[] {
  // Those without weight come first, so that they are drawn now and then too.
  const left = [...records].sort((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
  const drawn: Weighed[] = [];
  while (left.length > 0) {
    const sum = left.reduce((total, record) => total + record.weight, 0);
    let rest = random.integer(sum + 1);
    const index = left.findIndex((record) => {
      rest -= record.weight;
      return rest <= 0;
    });
    drawn.push(...left.splice(index, 1));
  }
  return drawn;
}
