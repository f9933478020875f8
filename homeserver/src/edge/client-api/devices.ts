import { deleteDevice, deleteDevices, getDevice, getDevices, updateDevice } from 'federation-spec/api/client/devices.ts';
import type { Accounts } from '../../domain/accounts/create-accounts.ts';
import { type Route, raw, route } from '../http/route.ts';

type Listed = Awaited<ReturnType<Accounts['devices']['load']>>;

/** https://spec.matrix.org/latest/client-server-api/#device-management */
export function deviceRoutes({ devices }: Accounts): Route[] {
  return [
    route(getDevices, async ({ requester }) => ({
      devices: (await devices.list(requester.userNid)).map((device) => deviceAnswer(requester.userId, device)),
    })),
    route(getDevice, async ({ requester, params }) =>
      deviceAnswer(requester.userId, await devices.load(requester.userNid, params.deviceId)),
    ),
    route(updateDevice, async ({ requester, params, body }) => {
      if (requester.appservice !== undefined) {
        const isMade = await devices.put(requester, params.deviceId, body.display_name ?? undefined);
        return raw({ status: isMade ? 201 : 200, json: {} });
      }
      if (body.display_name === undefined || body.display_name === null) await devices.load(requester.userNid, params.deviceId);
      else await devices.rename(requester, params.deviceId, body.display_name);
      return {};
    }),
    route(deleteDevice, async ({ requester, params, body }) => {
      await devices.removeWithProof(requester, [params.deviceId], body.auth, 'deleteDevice');
      return {};
    }),
    route(deleteDevices, async ({ requester, body }) => {
      await devices.removeWithProof(requester, body.devices, body.auth, 'deleteDevices');
      return {};
    }),
  ];
}

/** `user_id` is not asked for, and given by other servers. */
function deviceAnswer(userId: string, { deviceId, displayName, lastSeenAt, lastSeenIp }: Listed) {
  return {
    user_id: userId,
    device_id: deviceId,
    ...(displayName === null ? {} : { display_name: displayName }),
    ...(lastSeenAt === null ? {} : { last_seen_ts: lastSeenAt }),
    ...(lastSeenIp === null ? {} : { last_seen_ip: lastSeenIp }),
  };
}
