import * as api from 'federation-spec/api/admin/synapse-admin.ts';
import { getRetentionConfiguration } from 'federation-spec/api/client/retention.ts';
import { parseRoomId } from 'federation-spec/identifiers/room-id.ts';
import type { AdminJob } from '../../domain/rooms/admin-jobs.ts';
import type { DeletedRoom, DeleteRoomWish } from '../../domain/rooms/delete-room.ts';
import type { RetentionSettings } from '../../domain/rooms/retention-policies.ts';
import type { RoomAdmin } from '../../domain/rooms/room-admin.ts';
import { invalidParam, notFound } from '../../platform/matrix-error.ts';
import { checkAdmin } from '../http/check-admin.ts';
import { type Route, route } from '../http/route.ts';

type DeleteBody = {
  block?: boolean;
  purge?: boolean;
  force_purge?: boolean;
  message?: string;
  new_room_user_id?: string;
  room_name?: string;
};

/** What an admin may do with rooms. https://element-hq.github.io/synapse/latest/admin_api/rooms.html */
export function roomAdminRoutes(roomAdmin: RoomAdmin, retention: RetentionSettings): Route[] {
  return [
    route(api.purgeHistory, async ({ params, body, requester }) => {
      checkAdmin(requester);
      const eventId = params.eventId === undefined || params.eventId === '' ? body.purge_up_to_event_id : params.eventId;
      if (eventId === undefined && body.purge_up_to_ts === undefined)
        throw invalidParam('Say up to where: purge_up_to_event_id or purge_up_to_ts.');
      const until = eventId === undefined ? { ts: body.purge_up_to_ts ?? 0 } : { eventId };
      return { purge_id: await roomAdmin.purgeHistory(params.roomId, until, { withLocal: body.delete_local_events === true }) };
    }),
    route(api.getPurgeHistoryStatus, async ({ params, requester }) => {
      checkAdmin(requester);
      const { status, error } = roomAdmin.loadJob(params.purgeId);
      return { status, ...(error === undefined ? {} : { error }) };
    }),
    route(api.deleteRoom, async ({ params, body, requester }) => {
      checkAdmin(requester);
      return toDeleted(await roomAdmin.deleteRoom(requester, checkRoomId(params.roomId), toWish(body)));
    }),
    route(api.deleteRoomLater, async ({ params, body, requester }) => {
      checkAdmin(requester);
      return { delete_id: await roomAdmin.deleteRoomLater(requester, checkRoomId(params.roomId), toWish(body)) };
    }),
    route(api.getRoomDeleteStatus, async ({ params, requester }) => {
      checkAdmin(requester);
      const results = roomAdmin.listJobs(params.roomId);
      if (results.length === 0) throw notFound(`Nothing is known of a deletion of ${params.roomId}.`);
      return { results: results.map((job) => ({ delete_id: job.id, ...toDeleteStatus(job) })) };
    }),
    route(api.getDeleteStatus, async ({ params, requester }) => {
      checkAdmin(requester);
      return toDeleteStatus(roomAdmin.loadJob(params.deleteId));
    }),
    route(api.getRoomBlock, async ({ params, requester }) => {
      checkAdmin(requester);
      const blockedBy = await roomAdmin.findBlock(params.roomId);
      return blockedBy === undefined ? { block: false } : { block: true, user_id: blockedBy };
    }),
    route(api.setRoomBlock, async ({ params, body, requester }) => {
      checkAdmin(requester);
      await roomAdmin.setBlock(requester, params.roomId, body.block);
      return { block: body.block };
    }),
    route(getRetentionConfiguration, async () => describeRetention(retention)),
  ];
}

function checkRoomId(roomId: string): string {
  if (parseRoomId(roomId) === undefined) throw invalidParam(`${roomId} is no room id.`);
  return roomId;
}

function toWish({ block, purge, force_purge, message, new_room_user_id: userId, room_name: name }: DeleteBody): DeleteRoomWish {
  return {
    isBlocked: block === true,
    isPurged: purge !== false,
    isForced: force_purge === true,
    newRoom: userId === undefined ? undefined : { userId, name, message },
  };
}

function toDeleted({ kickedUsers, failedToKickUsers, localAliases, newRoomId }: DeletedRoom) {
  return { kicked_users: kickedUsers, failed_to_kick_users: failedToKickUsers, local_aliases: localAliases, new_room_id: newRoomId };
}

function toDeleteStatus({ status, error, result }: AdminJob) {
  const shutdown = result === undefined ? {} : { shutdown_room: toDeleted(result as DeletedRoom) };
  return { status: status === 'active' ? ('purging' as const) : status, ...(error === undefined ? {} : { error }), ...shutdown };
}

/** What rooms here go by that say nothing of their own, and what they may say. */
function describeRetention({ isEnabled, defaultMs, shortestMs, longestMs }: RetentionSettings) {
  if (!isEnabled) return { policies: {}, limits: {} };
  const limit = { ...(shortestMs === undefined ? {} : { min: shortestMs }), ...(longestMs === undefined ? {} : { max: longestMs }) };
  return {
    policies: defaultMs === undefined ? {} : { '*': { max_lifetime: defaultMs } },
    limits: Object.keys(limit).length === 0 ? {} : { min_lifetime: limit, max_lifetime: limit },
  };
}
