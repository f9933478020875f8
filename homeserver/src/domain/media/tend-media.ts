import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Sql } from '../../storage/database.ts';
import type { MediaPlace } from '../../storage/media.ts';
import {
  deleteLateAnnouncements,
  forgetGarbage,
  listGarbage,
  listRemovable,
  type RemovalBounds,
  removeMedia,
  sumRemoteBytes,
} from '../../storage/media-removal.ts';
import type { ObjectStore } from '../../storage/object-store/object-store.ts';
import { deleteOldUrlPreviews } from '../../storage/url-previews.ts';

/** How often what nobody reads is looked for. */
const TEND_EVERY_MS = 10 * 60 * 1000;
/** A round begins early when so much of the space for other servers' files has been filled since the last. */
const EARLY_SHARE = 0.05;
/** How many files are removed at a time. */
const BATCH = 200;
/** How many batches one round removes at most; the next round goes on. */
const MAX_BATCHES = 100;
/** Clients that ask late are still told that their announcement was forgotten, not that it never was. */
const ANNOUNCEMENTS_KEPT_MS = 24 * 60 * 60 * 1000;
const PREVIEWS_KEPT_MS = 14 * 24 * 60 * 60 * 1000;

export type TendMedia = {
  /** One round: forgets what is out of date and what is too much, and deletes the bytes of what is gone. */
  tend: () => Promise<void>;
  /** Another server's file was stored: when much has come, a round begins early. */
  remoteStored: (bytes: number) => void;
  /** Removes these files, with their bytes. */
  remove: (places: readonly MediaPlace[]) => Promise<void>;
  /** Removes the files of these bounds; gives those that went. */
  removeAll: (bounds: Omit<RemovalBounds, 'serverName'>) => Promise<MediaPlace[]>;
  stop: () => Promise<void>;
};

type Deps = {
  sql: Sql;
  store: ObjectStore;
  clock: Clock;
  logger: Logger;
  serverName: string;
  /** For how long other servers' files are kept after they were last read. */
  remoteKeptMs: number;
  /** How many bytes of other servers' files are kept; the longest unread go first. */
  remoteMaxBytes: number;
};

/** Keeps the store of files from growing without end. */
export function createTendMedia({ sql, store, clock, logger, serverName, remoteKeptMs, remoteMaxBytes }: Deps): TendMedia {
  let running: Promise<void> | undefined;
  let isStopped = false;
  let storedSince = 0;
  let isWanted = false;

  async function remove(places: readonly MediaPlace[]): Promise<void> {
    await removeMedia(sql, places);
    await collect();
  }

  async function removeAll(bounds: Omit<RemovalBounds, 'serverName'>): Promise<MediaPlace[]> {
    const gone: MediaPlace[] = [];
    for (let batch = 0; batch < MAX_BATCHES && !isStopped; batch += 1) {
      const places = await listRemovable(sql, { ...bounds, serverName }, BATCH);
      if (places.length > 0) await remove(places);
      gone.push(...places);
      if (places.length < BATCH) break;
    }
    return gone;
  }

  async function shrinkCache(): Promise<void> {
    let bytes = await sumRemoteBytes(sql);
    for (let batch = 0; batch < MAX_BATCHES && bytes > remoteMaxBytes && !isStopped; batch += 1) {
      const doomed: MediaPlace[] = [];
      for (const place of await listRemovable(sql, { isLocal: false, serverName }, BATCH)) {
        if (bytes <= remoteMaxBytes) break;
        doomed.push(place);
        bytes -= place.bytes;
      }
      if (doomed.length === 0) return;
      await remove(doomed);
    }
  }

  async function collect(): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES && !isStopped; batch += 1) {
      const keys = await listGarbage(sql, BATCH);
      for (const key of keys) await store.delete(key);
      await forgetGarbage(sql, keys);
      if (keys.length < BATCH) return;
    }
  }

  async function round(): Promise<void> {
    const now = clock.now();
    await deleteLateAnnouncements(sql, now - ANNOUNCEMENTS_KEPT_MS);
    await removeAll({ isLocal: false, readBefore: now - remoteKeptMs });
    await deleteOldUrlPreviews(sql, now - PREVIEWS_KEPT_MS);
    await removeAll({ isLocal: true, isPreview: true, readBefore: now - PREVIEWS_KEPT_MS });
    await shrinkCache();
    await collect();
  }

  function tend(): Promise<void> {
    running ??= round().finally(() => {
      running = undefined;
      if (isWanted && !isStopped) tendInBackground();
    });
    return running;
  }

  function tendInBackground(): void {
    isWanted = running !== undefined; // what came during a round may have come too late for it
    if (isWanted) return;
    storedSince = 0;
    tend().catch((error: unknown) => logger.error({ err: error }, 'the files were not tended; the next round goes on'));
  }

  const timer = setInterval(tendInBackground, TEND_EVERY_MS);
  timer.unref();

  return {
    tend,
    remoteStored: (bytes) => {
      storedSince += bytes;
      if (storedSince > remoteMaxBytes * EARLY_SHARE && !isStopped) tendInBackground();
    },
    remove,
    removeAll,
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      await running?.catch(() => undefined);
    },
  };
}
