import { notFound, tooLarge } from '../../platform/matrix-error.ts';
import { lockAccount } from '../../storage/accounts.ts';
import type { Pool } from '../../storage/database.ts';
import { findFilter, internFilter } from '../../storage/filters.ts';
import { parseObject } from './account-data.ts';

/** https://spec.matrix.org/latest/client-server-api/#filtering */
export type Filters = {
  /** Stores a filter; the same one gets the same id. @throws M_TOO_LARGE */
  create(userNid: number, filter: object): Promise<string>;
  /** @throws M_NOT_FOUND */
  load(userNid: number, filterId: string): Promise<object>;
};

const MAX_FILTER_BYTES = 65_536;
const MAX_FILTERS = 1_000;

export function createFilters({ pool }: { pool: Pool }): Filters {
  return {
    async create(userNid, filter) {
      const content = JSON.stringify(filter);
      if (Buffer.byteLength(content) > MAX_FILTER_BYTES) throw tooLarge(`A filter may have at most ${MAX_FILTER_BYTES} bytes`);
      const filterId = await pool.begin(async (sql) => {
        await lockAccount(sql, userNid); // two at once would be given the same number
        return await internFilter(sql, userNid, content, MAX_FILTERS);
      });
      if (filterId === undefined) throw tooLarge(`An account may have at most ${MAX_FILTERS} filters`);
      return String(filterId);
    },
    async load(userNid, filterId) {
      const content = /^\d{1,9}$/.test(filterId) ? await findFilter(pool, userNid, Number(filterId)) : undefined;
      if (content === undefined) throw notFound(`You have no filter ${filterId}`);
      return parseObject(content);
    },
  };
}
