import * as api from 'federation-spec/api/admin/synapse-server.ts';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import type { Destination, Destinations } from '../../domain/federation/destinations.ts';
import type { ServerNotices } from '../../domain/rooms/server-notices.ts';
import { invalidParam, notFound } from '../../platform/matrix-error.ts';
import { checkAdmin } from '../http/check-admin.ts';
import type { Requester } from '../http/requester.ts';
import { type Route, route } from '../http/route.ts';
import { VERSION } from '../server-api/version.ts';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;
const MESSAGE = 'm.room.message';

type Deps = { destinations: Destinations; notices: ServerNotices; accounts: Pick<Accounts, 'find'>; serverName: string };
type NoticeBody = { user_id: string; content: Record<string, unknown>; type?: string; state_key?: string };

/** Other servers, and what this one tells its people. */
export function serverAdminRoutes({ destinations, notices, accounts, serverName }: Deps): Route[] {
  async function tell(requester: Requester, body: NoticeBody, txnId?: string): Promise<{ event_id: string }> {
    checkAdmin(requester);
    const { user_id: userId, content, type = MESSAGE, state_key: stateKey } = body;
    if (!userId.endsWith(`:${serverName}`)) throw invalidParam('Server notices can only be sent to accounts of this server');
    const account = await accounts.find(userId);
    if (account === undefined || account.status === 'deactivated') throw notFound(`There is no account ${userId}`);
    return { event_id: await notices.send(requester, account, { type, stateKey, content: content as JsonObject, txnId }) };
  }

  return [
    route(api.getServerVersion, async () => ({ server_version: `${VERSION.server.name} ${VERSION.server.version}` })),
    route(api.listDestinations, async ({ requester, query }) => {
      checkAdmin(requester);
      const from = readInteger(query.from) ?? 0;
      const limit = Math.min(readInteger(query.limit) ?? DEFAULT_PAGE, MAX_PAGE);
      const { destinations: page, total } = await destinations.list({ from, limit, part: query.destination });
      return { destinations: page.map(toWire), total, ...(from + limit < total ? { next_token: String(from + page.length) } : {}) };
    }),
    route(api.getDestination, async ({ requester, params }) => {
      checkAdmin(requester);
      return toWire(await destinations.load(params.destination));
    }),
    route(api.resetDestination, async ({ requester, params }) => {
      checkAdmin(requester);
      await destinations.reset(params.destination);
      return {};
    }),
    route(api.sendServerNotice, ({ requester, body }) => tell(requester, body)),
    route(api.putServerNotice, ({ requester, params, body }) => tell(requester, body, params.txnId)),
  ];
}

function toWire({ destination, failure }: Destination) {
  return {
    destination,
    retry_last_ts: failure?.triedAt ?? 0,
    retry_interval: failure?.intervalMs ?? 0,
    failure_ts: failure?.failingSince ?? null,
    last_successful_stream_ordering: null,
  };
}
