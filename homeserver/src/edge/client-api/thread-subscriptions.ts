import {
  getThreadSubscription,
  getThreadSubscriptionsChanges,
  subscribeThread,
  unsubscribeThread,
} from 'federation-spec/api/client/thread-subscriptions.ts';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import { describeThreadSubscriptions } from '../../domain/rooms/describe-thread-subscriptions.ts';
import type { ThreadSubscriptions } from '../../domain/rooms/thread-subscriptions.ts';
import { parseToken } from '../../domain/streams/token.ts';
import { invalidParam } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

type Deps = { subscriptions: ThreadSubscriptions; position: () => number };

/** https://github.com/matrix-org/matrix-spec-proposals/pull/4306 and https://github.com/matrix-org/matrix-spec-proposals/pull/4308 */
export function threadSubscriptionRoutes({ subscriptions, position }: Deps): Route[] {
  const threadOf = (params: { roomId: string; threadRoot: string }) => ({ roomId: params.roomId, rootId: params.threadRoot });
  return [
    route(getThreadSubscription, async ({ requester, params }) => {
      const { isAutomatic } = await subscriptions.load(requester, threadOf(params));
      return { automatic: isAutomatic };
    }),
    route(subscribeThread, async ({ requester, params, body }) => {
      await subscriptions.subscribe(requester, threadOf(params), body.automatic);
      return {};
    }),
    route(unsubscribeThread, async ({ requester, params }) => {
      await subscriptions.unsubscribe(requester, threadOf(params));
      return {};
    }),
    route(getThreadSubscriptionsChanges, async ({ requester, query }) => {
      if (query.dir === 'f') throw invalidParam('Changes are listed backwards only');
      const limit = Math.min(Math.max(1, readInteger(query.limit) ?? DEFAULT_LIMIT), MAX_LIMIT);
      const after = query.to === undefined ? 0 : readPosition(query.to);
      const upTo = query.from === undefined ? position() : readPosition(query.from);
      const { changes, restFrom } = await subscriptions.listChanges(requester.userNid, { after, upTo, limit });
      return { ...describeThreadSubscriptions(changes), ...(restFrom === undefined ? {} : { end: `s${restFrom}` }) };
    }),
  ];
}

function readPosition(text: string): number {
  const token = parseToken(text);
  if (token?.kind !== 'stream') throw invalidParam(`${text} is no token of this list or of a sync`);
  return token.position;
}
