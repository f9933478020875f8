import * as api from 'federation-spec/api/admin/synapse-media.ts';
import { readBoolean, readInteger } from 'federation-spec/api/schemas/query.ts';
import type { ModerateMedia, UserFile } from '../../domain/media/moderate-media.ts';
import { forbidden, invalidParam } from '../../platform/matrix-error.ts';
import type { Requester } from '../http/requester.ts';
import { type Route, route } from '../http/route.ts';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1_000;

type Deps = { moderation: ModerateMedia; serverName: string };

/** What an admin may do with files. https://element-hq.github.io/synapse/latest/admin_api/media_admin_api.html */
export function mediaAdminRoutes({ moderation, serverName }: Deps): Route[] {
  return [
    route(api.quarantineRoomMedia, async ({ requester, params }) => {
      checkAdmin(requester);
      return { num_quarantined: await moderation.quarantineRoom(params.roomId) };
    }),
    route(api.quarantineUserMedia, async ({ requester, params }) => {
      checkAdmin(requester);
      return { num_quarantined: await moderation.quarantineUser(params.userId) };
    }),
    route(api.quarantineMedia, async ({ requester, params }) => {
      checkAdmin(requester);
      await moderation.quarantine({ origin: params.serverName, mediaId: params.mediaId });
      return {};
    }),
    route(api.unquarantineMedia, async ({ requester, params }) => {
      checkAdmin(requester);
      await moderation.release({ origin: params.serverName, mediaId: params.mediaId });
      return {};
    }),
    route(api.protectMedia, async ({ requester, params }) => {
      checkAdmin(requester);
      await moderation.protect(params.mediaId, true);
      return {};
    }),
    route(api.unprotectMedia, async ({ requester, params }) => {
      checkAdmin(requester);
      await moderation.protect(params.mediaId, false);
      return {};
    }),
    route(api.getMediaInfo, async ({ requester, params }) => {
      checkAdmin(requester);
      const file = await moderation.describe({ origin: params.serverName, mediaId: params.mediaId });
      return {
        media_info: {
          ...tellFile({ ...file, isQuarantined: file.quarantinedAt !== null }),
          media_origin: file.origin === serverName ? null : file.origin,
          user_id: file.uploader ?? null,
          authenticated: file.isFrozen,
          sha256: file.sha256,
        },
      };
    }),
    route(api.listRoomMedia, async ({ requester, params }) => {
      checkAdmin(requester);
      return await moderation.listOfRoom(params.roomId);
    }),
    route(api.deleteMedia, async ({ requester, params }) => {
      checkAdmin(requester);
      if (params.serverName !== serverName) throw invalidParam('Only files of this server are deleted one by one');
      await moderation.remove({ origin: serverName, mediaId: params.mediaId });
      return { deleted_media: [params.mediaId], total: 1 };
    }),
    route(api.deleteOldMedia, async ({ requester, query }) => {
      checkAdmin(requester);
      const keepProfiles = readBoolean(query.keep_profiles) ?? true;
      const bounds = { readBefore: readInteger(query.before_ts) ?? 0, minBytes: readInteger(query.size_gt) ?? 0, keepProfiles };
      return tellDeleted(await moderation.removeAll({ isLocal: true, ...bounds }));
    }),
    route(api.purgeMediaCache, async ({ requester, query }) => {
      checkAdmin(requester);
      return { deleted: (await moderation.removeAll({ isLocal: false, readBefore: readInteger(query.before_ts) ?? 0 })).length };
    }),
    route(api.listUserMedia, async ({ requester, params, query }) => {
      checkAdmin(requester);
      const from = readInteger(query.from) ?? 0;
      const limit = Math.min(readInteger(query.limit) ?? DEFAULT_PAGE, MAX_PAGE);
      const { files, total } = await moderation.listOfUser(params.userId, { from, limit });
      return { media: files.map(tellFile), total, ...(from + limit < total ? { next_token: from + limit } : {}) };
    }),
    route(api.deleteUserMedia, async ({ requester, params }) => {
      checkAdmin(requester);
      return tellDeleted(await moderation.removeOfUser(params.userId));
    }),
  ];
}

function tellFile(file: UserFile) {
  return {
    media_id: file.mediaId,
    media_type: file.contentType,
    media_length: file.bytes,
    upload_name: file.fileName,
    created_ts: file.createdAt,
    last_access_ts: file.lastReadAt,
    quarantined_by: file.isQuarantined ? 'admin' : null,
    safe_from_quarantine: file.isProtected,
  };
}

function tellDeleted(places: readonly { mediaId: string }[]): { deleted_media: string[]; total: number } {
  return { deleted_media: places.map((place) => place.mediaId), total: places.length };
}

function checkAdmin(requester: Requester): void {
  if (!requester.isAdmin) throw forbidden('Only an admin of this server may do this');
}
