import { resolveSrv as query } from 'node:dns/promises';

export type SrvRecord = { host: string; port: number };

/** Looks a service up; the records in the order they are to be tried. No records, no such name and no answer are all the empty list. */
export type ResolveSrv = (name: string) => Promise<SrvRecord[]>;

const MAX_RECORDS = 8;

export const resolveSrv: ResolveSrv = async (name) => {
  const records = await query(name).catch(() => []);
  return records
    .filter((record) => record.name !== '' && record.name !== '.')
    .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
    .slice(0, MAX_RECORDS)
    .map((record) => ({ host: record.name, port: record.port }));
};
