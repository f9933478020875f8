import { sync as syncEndpoint } from 'federation-spec/api/client/sync.ts';
import { type SyncFilter, SyncFilterSchema } from 'federation-spec/api/schemas/filters.ts';
import { readBoolean, readInteger } from 'federation-spec/api/schemas/query.ts';
import { Compile } from 'typebox/compile';
import type { AccountDataForSync } from '../../domain/sync/sources.ts';
import type { Sync } from '../../domain/sync/sync.ts';
import { invalidParam, MatrixError, notJson } from '../../platform/matrix-error.ts';
import { type Route, raw, route } from '../http/route.ts';

const filterSchema = Compile(SyncFilterSchema);

type Deps = { sync: Sync; loadFilter: AccountDataForSync['loadFilter'] };

/** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv3sync */
export function syncRoutes({ sync, loadFilter }: Deps): Route[] {
  return [
    route(syncEndpoint, async ({ query, requester, request }) => {
      const filter = await readFilter(query.filter, (filterId) => loadFilter(requester.userNid, filterId));
      const answer = await sync({
        device: requester,
        since: query.since,
        filter,
        timeoutMs: readInteger(query.timeout) ?? 0,
        isFullState: readBoolean(query.full_state) ?? false,
        wantsStateAfter: readBoolean(query.use_state_after ?? query['org.matrix.msc4222.use_state_after']) ?? false,
        setPresence: query.set_presence,
        signal: request.signal,
      });
      // Events of which only parts are wanted are no events any more.
      const isPartial = filter?.event_fields !== undefined || filter?.event_format === 'federation';
      return isPartial ? raw({ json: answer }) : answer;
    }),
  ];
}

/** A filter is given whole, as JSON, or by the id under which it was stored. */
async function readFilter(text: string | undefined, load: (filterId: string) => Promise<object>): Promise<SyncFilter | undefined> {
  if (text === undefined || text === '') return undefined;
  const filter = text.startsWith('{') ? parseJson(text) : await loadStored(text, load);
  if (!filterSchema.Check(filter)) throw invalidParam('filter is not a filter as the specification describes it');
  return filter;
}

async function loadStored(filterId: string, load: (filterId: string) => Promise<object>): Promise<object> {
  try {
    return await load(filterId);
  } catch (error) {
    if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') throw invalidParam(`There is no filter ${filterId}`);
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notJson('filter is neither a filter id nor JSON');
  }
}
