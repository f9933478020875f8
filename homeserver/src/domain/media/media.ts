import type { Readable } from 'node:stream';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Random } from '../../platform/random.ts';
import type { Database } from '../../storage/database.ts';
import type { ByteRange, ObjectStore } from '../../storage/object-store/object-store.ts';
import type { Thumbnailer } from './thumbnailer.ts';

/** A file on its way out. */
export type OpenedMedia = {
  bytes: number;
  contentType: string;
  fileName: string | undefined;
  /** Names these very bytes: others have another one. */
  version: string;
  /** Its bytes, or some of them. */
  read: (range?: ByteRange) => Promise<Readable>;
  /** Where the bytes can be had without us, served with these headers; absent when only we serve them. */
  link?: (headers: { contentType: string; contentDisposition: string }) => Promise<string>;
};

/** Fetches another server's file. Throws a `MatrixError` that says what went wrong there. */
export type FetchRemoteMedia = (
  origin: string,
  mediaId: string,
) => Promise<{ stream: Readable; contentType: string | undefined; fileName: string | undefined }>;

/** Fetches the thumbnail that another server makes of its file; throws as `FetchRemoteMedia` does. */
export type FetchRemoteThumbnail = (origin: string, mediaId: string, wish: ThumbnailWish) => Promise<Readable>;

export type UploadDescription = { contentType: string | undefined; fileName: string | undefined; length: number | undefined };

export type OpenOptions = {
  /** Another server's file is fetched from there. */
  isRemoteAllowed: boolean;
  /** How long to wait for an announced file. */
  waitMs?: number | undefined;
  /** Whoever asks showed no token: only files from before the freeze. */
  isWithoutToken?: boolean;
  signal?: AbortSignal;
};

export type ThumbnailWish = { width: number; height: number; method: 'crop' | 'scale'; isAnimated: boolean };

export type Media = {
  /** Stores a file; resolves with its `mxc://` URI. Throws M_TOO_LARGE, M_FORBIDDEN when the person's space is used up. */
  upload: (uploaderNid: number, stream: Readable, description: UploadDescription) => Promise<string>;
  /** Gives out a URI to be filled later. Throws M_LIMIT_EXCEEDED. */
  announce: (uploaderNid: number) => Promise<{ uri: string; expiresAt: number }>;
  /** Fills an announced URI. Throws M_NOT_FOUND, M_FORBIDDEN, M_CANNOT_OVERWRITE_MEDIA, M_TOO_LARGE. */
  fill: (
    uploaderNid: number,
    place: { origin: string; mediaId: string },
    stream: Readable,
    description: UploadDescription,
  ) => Promise<void>;
  /** Keeps an image of a link's preview; resolves with its `mxc://` URI. Throws M_TOO_LARGE. */
  keepPreviewImage: (stream: Readable, description: UploadDescription, maxBytes: number) => Promise<{ uri: string; bytes: number }>;
  /** Opens a file, fetching it from its server first when `isRemoteAllowed`. Throws M_NOT_FOUND, M_NOT_YET_UPLOADED. */
  open: (origin: string, mediaId: string, options: OpenOptions) => Promise<OpenedMedia>;
  thumbnail: (origin: string, mediaId: string, wish: ThumbnailWish, options: OpenOptions) => Promise<OpenedMedia>;
  maxUploadBytes: number;
};

export type MediaDeps = {
  database: Database;
  store: ObjectStore;
  thumbnailer: Thumbnailer;
  fetchRemote: FetchRemoteMedia;
  fetchRemoteThumbnail: FetchRemoteThumbnail;
  clock: Clock;
  random: Random;
  logger: Logger;
  serverName: string;
  maxUploadBytes: number;
  /** How much one person may keep here; undefined: as much as they like. */
  quotaBytes: number | undefined;
  /** Told of every file that was taken from another server. */
  remoteStored: (bytes: number) => void;
  /** Whether what comes now is served also by the old paths that ask for no token. */
  servesWithoutToken: boolean;
};
