import { getWhoIs } from 'federation-spec/api/client/admin.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import { forbidden, invalidParam, notFound } from '../../platform/matrix-error.ts';
import { type Route, route } from '../http/route.ts';

type Connection = { ip?: string; last_seen?: number; user_agent?: string };

/** From where an account's devices were last heard of, for its owner and for admins. */
export function whoisRoute({ find, devices }: Accounts, { serverName }: { serverName: string }): Route {
  return route(getWhoIs, async ({ requester, params: { userId } }) => {
    if (requester.userId !== userId && !requester.isAdmin) throw forbidden('Only an admin may look at other accounts');
    if (!userId.endsWith(`:${serverName}`)) throw invalidParam(`${userId} is not an account of this server`);
    const account = await find(userId);
    if (account === undefined) throw notFound(`There is no account ${userId}`);
    const devicesById: Record<string, { sessions: { connections: Connection[] }[] }> = {};
    for (const { deviceId, lastSeenAt, lastSeenIp, lastSeenUserAgent } of await devices.list(account.userNid)) {
      const connection: Connection = {
        ...(lastSeenIp === null ? {} : { ip: lastSeenIp }),
        ...(lastSeenAt === null ? {} : { last_seen: lastSeenAt }),
        ...(lastSeenUserAgent === null ? {} : { user_agent: lastSeenUserAgent }),
      };
      devicesById[deviceId] = { sessions: [{ connections: lastSeenAt === null ? [] : [connection] }] };
    }
    return { user_id: userId, devices: devicesById };
  });
}
