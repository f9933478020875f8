import type { Config } from './config/config.ts';
import { createMedia } from './domain/media/create-media.ts';
import type { FetchRemoteMedia, FetchRemoteThumbnail } from './domain/media/media.ts';
import { createModerateMedia } from './domain/media/moderate-media.ts';
import { createFetchPreview } from './domain/media/previews/fetch-preview.ts';
import { createPreviewUrl } from './domain/media/previews/preview-url.ts';
import { storeWithCare } from './domain/media/store-with-care.ts';
import { createTendMedia } from './domain/media/tend-media.ts';
import { createThumbnailer } from './domain/media/thumbnailer.ts';
import { mediaAdminRoutes } from './edge/admin-api/media.ts';
import { mediaRoutes } from './edge/client-api/media.ts';
import { urlPreviewRoutes } from './edge/client-api/url-previews.ts';
import type { Route } from './edge/http/route.ts';
import { serverMediaRoutes } from './edge/server-api/media.ts';
import type { Clock } from './platform/clock.ts';
import type { HttpClient } from './platform/http-client/http-client.ts';
import type { Logger } from './platform/logger.ts';
import type { Random } from './platform/random.ts';
import type { Database } from './storage/database.ts';
import { openObjectStore } from './storage/object-store/open-object-store.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

type Deps = {
  database: Database;
  clock: Clock;
  random: Random;
  logger: Logger;
  config: Config;
  fetchRemote: FetchRemoteMedia;
  fetchRemoteThumbnail: FetchRemoteThumbnail;
  http: HttpClient;
};

/** Uploaded files, and the files of other servers that were read here. */
export async function composeMedia({ config, ...deps }: Deps) {
  const { serverName } = config;
  const store = storeWithCare(await openObjectStore(config), deps.logger);
  const thumbnailer = createThumbnailer();
  const tendMedia = createTendMedia({
    ...deps,
    sql: deps.database.sql,
    store,
    serverName,
    remoteKeptMs: config.remoteMediaDays * DAY_MS,
    remoteMaxBytes: config.remoteMediaBytes,
  });
  const media = createMedia({
    ...deps,
    store,
    thumbnailer,
    serverName,
    maxUploadBytes: config.maxUploadBytes,
    quotaBytes: config.mediaQuotaBytes,
    servesWithoutToken: config.legacyMedia,
    remoteStored: tendMedia.remoteStored,
  });
  const moderation = createModerateMedia({ sql: deps.database.sql, clock: deps.clock, serverName, tendMedia });
  const close = async (): Promise<void> => {
    await tendMedia.stop();
    await thumbnailer[Symbol.asyncDispose]();
  };
  const previewUrl = createPreviewUrl({
    sql: deps.database.sql,
    clock: deps.clock,
    fetchPreview: createFetchPreview({ http: deps.http, keepImage: media.keepPreviewImage, thumbnailer, logger: deps.logger }),
  });
  const routes: Route[] = [
    ...mediaRoutes(media),
    ...(config.urlPreviews ? urlPreviewRoutes(previewUrl) : []),
    ...serverMediaRoutes({ media, serverName }),
    ...mediaAdminRoutes({ moderation, serverName }),
  ];
  return { media, tend: tendMedia.tend, routes, close };
}
