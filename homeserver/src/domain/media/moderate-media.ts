import { parseContentUri } from 'federation-spec/identifiers/content-uri.ts';
import type { Clock } from '../../platform/clock.ts';
import { notFound } from '../../platform/matrix-error.ts';
import type { Sql } from '../../storage/database.ts';
import { findMedia, type MediaPlace, type MediaRow } from '../../storage/media.ts';
import {
  countMediaOfUser,
  insertQuarantinedName,
  listMediaOfUser,
  listMediaUrisOfRoom,
  quarantineMedia,
  releaseMedia,
  updateProtection,
} from '../../storage/media-moderation.ts';
import { findUserNids, listUsersByNid } from '../../storage/users.ts';
import type { TendMedia } from './tend-media.ts';

/** How many events of a room are read at a time. */
const EVENTS_PER_CHUNK = 1_000;
/** A room's events are read so far. */
const MAX_CHUNKS = 10_000;
const FILES_PER_CHUNK = 1_000;

export type UserFile = Awaited<ReturnType<typeof listMediaOfUser>>[number];

/** What an admin may do with files. */
export type ModerateMedia = {
  /** Withholds a file from everybody, whether it is here already or not. */
  quarantine: (place: MediaPlace) => Promise<void>;
  release: (place: MediaPlace) => Promise<void>;
  /** Sees to it that nothing withholds one of our files, or may again. Throws M_NOT_FOUND. */
  protect: (mediaId: string, isProtected: boolean) => Promise<void>;
  /** What is known of a file, with who uploaded it. Throws M_NOT_FOUND. */
  describe: (place: MediaPlace) => Promise<MediaRow & { uploader: string | undefined }>;
  /** Withholds the files that a room's readable events name. Returns how many were not withheld before. */
  quarantineRoom: (roomId: string) => Promise<number>;
  quarantineUser: (userId: string) => Promise<number>;
  /** The files that a room's readable events name: ours, and other servers'. */
  listOfRoom: (roomId: string) => Promise<{ local: string[]; remote: string[] }>;
  /** Throws M_NOT_FOUND for somebody who was never here. */
  listOfUser: (userId: string, page: { from: number; limit: number }) => Promise<{ files: UserFile[]; total: number }>;
  /** Removes a file. Throws M_NOT_FOUND. */
  remove: (place: MediaPlace) => Promise<void>;
  removeOfUser: (userId: string) => Promise<MediaPlace[]>;
  removeAll: TendMedia['removeAll'];
};

type Deps = { sql: Sql; clock: Clock; serverName: string; tendMedia: TendMedia };

export function createModerateMedia({ sql, clock, serverName, tendMedia }: Deps): ModerateMedia {
  async function urisOfRoom(roomId: string): Promise<Set<string>> {
    const uris = new Set<string>();
    let after = -1;
    for (let chunk = 0; chunk < MAX_CHUNKS; chunk += 1) {
      const events = await listMediaUrisOfRoom(sql, roomId, after, EVENTS_PER_CHUNK);
      for (const event of events) for (const uri of event.uris) uris.add(uri);
      after = events.at(-1)?.eventNid ?? after;
      if (events.length < EVENTS_PER_CHUNK) break;
    }
    return uris;
  }

  async function quarantineAll(places: readonly MediaPlace[]): Promise<number> {
    const now = clock.now();
    let count = 0;
    for (let from = 0; from < places.length; from += FILES_PER_CHUNK)
      count += await quarantineMedia(sql, places.slice(from, from + FILES_PER_CHUNK), now);
    return count;
  }

  const missing = () => notFound('There is no such media here.');

  async function loadUser(userId: string): Promise<number> {
    const userNid = (await findUserNids(sql, [userId])).get(userId);
    if (userNid === undefined) throw notFound(`${userId} was never here.`);
    return userNid;
  }

  async function quarantine(place: MediaPlace): Promise<void> {
    if (place.origin !== serverName) await insertQuarantinedName(sql, place, clock.now());
    else if ((await findMedia(sql, place.origin, place.mediaId)) === undefined) throw missing();
    await quarantineAll([place]);
  }

  return {
    quarantine,
    release: (place) => releaseMedia(sql, place),
    protect: async (mediaId, isProtected) => {
      if (!(await updateProtection(sql, { origin: serverName, mediaId }, isProtected))) throw missing();
    },
    describe: async (place) => {
      const row = await findMedia(sql, place.origin, place.mediaId);
      if (row === undefined) throw missing();
      const [uploader] = row.uploaderNid === null ? [] : await listUsersByNid(sql, [row.uploaderNid]);
      return { ...row, uploader: uploader?.userId };
    },
    quarantineRoom: async (roomId) => {
      const places = [...(await urisOfRoom(roomId))].map(parseContentUri).filter((place) => place !== undefined);
      return await quarantineAll(places.map((place) => ({ origin: place.serverName, mediaId: place.mediaId })));
    },
    quarantineUser: async (userId) => {
      const files = await listMediaOfUser(sql, await loadUser(userId), { from: 0, limit: Number.MAX_SAFE_INTEGER });
      return await quarantineAll(files.map(({ mediaId }) => ({ origin: serverName, mediaId })));
    },
    listOfRoom: async (roomId) => {
      const uris = [...(await urisOfRoom(roomId))];
      const isOurs = (uri: string): boolean => parseContentUri(uri)?.serverName === serverName;
      return { local: uris.filter(isOurs), remote: uris.filter((uri) => !isOurs(uri)) };
    },
    listOfUser: async (userId, page) => {
      const userNid = await loadUser(userId);
      return { files: await listMediaOfUser(sql, userNid, page), total: await countMediaOfUser(sql, userNid) };
    },
    remove: async (place) => {
      if ((await findMedia(sql, place.origin, place.mediaId)) === undefined) throw missing();
      await tendMedia.remove([place]);
    },
    removeOfUser: async (userId) => await tendMedia.removeAll({ isLocal: true, uploaderNid: await loadUser(userId) }),
    removeAll: tendMedia.removeAll,
  };
}
