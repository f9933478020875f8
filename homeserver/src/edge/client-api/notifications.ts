import { getNotifications } from 'federation-spec/api/client/notifications.ts';
import { readInteger } from 'federation-spec/api/schemas/query.ts';
import type { ListNotifications } from '../../domain/push/list-notifications.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#listing-notifications */
export function notificationsRoute(listNotifications: ListNotifications): Route {
  return route(getNotifications, async ({ query: { from, limit, only }, requester }) => {
    const { entries, nextToken } = await listNotifications(requester, {
      from,
      limit: readInteger(limit),
      highlightsOnly: only === 'highlight',
    });
    return {
      notifications: entries.map(({ roomId, ...entry }) => ({ ...entry, room_id: roomId })),
      ...(nextToken === undefined ? {} : { next_token: nextToken }),
    };
  });
}
