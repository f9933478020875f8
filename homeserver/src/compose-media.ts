import type { Config } from './config/config.ts';
import { createMedia, type FetchRemoteMedia } from './domain/media/media.ts';
import { createThumbnailer } from './domain/media/thumbnailer.ts';
import { mediaRoutes } from './edge/client-api/media.ts';
import type { Clock } from './platform/clock.ts';
import type { Random } from './platform/random.ts';
import type { Database } from './storage/database.ts';
import { openObjectStore } from './storage/object-store/open-object-store.ts';

type Deps = { database: Database; clock: Clock; random: Random; config: Config; fetchRemote: FetchRemoteMedia };

/** Uploaded files, and the files of other servers that were read here. */
export async function composeMedia({ database, clock, random, config, fetchRemote }: Deps) {
  const thumbnailer = createThumbnailer();
  const media = createMedia({
    database,
    store: await openObjectStore(config),
    thumbnailer,
    fetchRemote,
    clock,
    random,
    serverName: config.serverName,
    maxUploadBytes: config.maxUploadBytes,
  });
  return { media, routes: mediaRoutes(media), close: async () => await thumbnailer[Symbol.asyncDispose]() };
}
