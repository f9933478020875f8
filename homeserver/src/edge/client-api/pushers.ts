import { getPushers, postPusher } from 'federation-spec/api/client/pushers.ts';
import type { Pushers } from '../../domain/push/pushers.ts';
import { type Route, route } from '../http/route.ts';

/** https://spec.matrix.org/latest/client-server-api/#push-notifications */
export function pusherRoutes(pushers: Pushers): Route[] {
  return [
    route(getPushers, async ({ requester }) => ({ pushers: await pushers.list(requester.userNid) })),

    route(postPusher, async ({ body, requester }) => {
      const { kind, app_id: appId, pushkey, data, append } = body;
      if (kind === null) {
        await pushers.remove(requester.userNid, { appId, pushkey });
        return {};
      }
      await pushers.set(requester, {
        kind,
        appId,
        pushkey,
        appDisplayName: body.app_display_name,
        deviceDisplayName: body.device_display_name,
        profileTag: body.profile_tag,
        lang: body.lang,
        data,
        isShared: append === true,
        isEnabled: body.enabled ?? body['org.matrix.msc3881.enabled'],
      });
      return {};
    }),
  ];
}
