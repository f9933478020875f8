import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { buildContentUri, isMediaId } from 'federation-spec/identifiers/content-uri.ts';
import type { Clock } from '../../platform/clock.ts';
import { forbidden, limitExceeded, matrixError, notFound, tooLarge, unknown } from '../../platform/matrix-error.ts';
import type { Random } from '../../platform/random.ts';
import type { Database } from '../../storage/database.ts';
import {
  countPendingMedia,
  fillMedia,
  findMedia,
  findThumbnail,
  insertMedia,
  insertThumbnail,
  type MediaRow,
} from '../../storage/media.ts';
import type { ObjectStore } from '../../storage/object-store/object-store.ts';
import { receiveBytes, streamOf } from './receive-bytes.ts';
import { SNIFFED_BYTES, sniffImage } from './sniff-image.ts';
import { chooseThumbnailSize } from './thumbnail-size.ts';
import type { Thumbnailer } from './thumbnailer.ts';

const ID_BITS = 144;
/** An announced upload must come within a day. https://spec.matrix.org/latest/client-server-api/#post_matrixmediav1create */
const ANNOUNCED_FOR_MS = 24 * 60 * 60 * 1000;
const MAX_ANNOUNCED = 50;
/** An image with more bytes gets no thumbnail: it would have to be read whole. */
const MAX_THUMBNAILED_BYTES = 32 * 1024 * 1024;

/** A file on its way out. */
export type OpenedMedia = { stream: Readable; bytes: number; contentType: string; fileName: string | undefined };
export type UploadDescription = { contentType: string | undefined; fileName: string | undefined; length: number | undefined };

/** Fetches another server's file. Throws a `MatrixError` that says what went wrong there. */
export type FetchRemoteMedia = (
  origin: string,
  mediaId: string,
) => Promise<{ stream: Readable; contentType: string | undefined; fileName: string | undefined }>;

export type Media = {
  /** Stores a file; resolves with its `mxc://` URI. Throws M_TOO_LARGE. */
  upload: (uploaderNid: number, stream: Readable, description: UploadDescription) => Promise<string>;
  /** Gives out a URI to be filled later. */
  announce: (uploaderNid: number) => Promise<{ uri: string; expiresAt: number }>;
  /** Fills an announced URI. Throws M_FORBIDDEN, M_CANNOT_OVERWRITE_MEDIA. */
  fill: (
    uploaderNid: number,
    place: { origin: string; mediaId: string },
    stream: Readable,
    description: UploadDescription,
  ) => Promise<void>;
  /** Opens a file, fetching it from its server first when `isRemoteAllowed`. Throws M_NOT_FOUND, M_NOT_YET_UPLOADED. */
  open: (origin: string, mediaId: string, options: { isRemoteAllowed: boolean }) => Promise<OpenedMedia>;
  thumbnail: (
    origin: string,
    mediaId: string,
    wish: { width: number; height: number; method: 'crop' | 'scale'; isAnimated: boolean },
    options: { isRemoteAllowed: boolean },
  ) => Promise<OpenedMedia>;
  maxUploadBytes: number;
};

type Deps = {
  database: Database;
  store: ObjectStore;
  thumbnailer: Thumbnailer;
  fetchRemote: FetchRemoteMedia;
  clock: Clock;
  random: Random;
  serverName: string;
  maxUploadBytes: number;
};

/** https://spec.matrix.org/latest/client-server-api/#content-repository */
export function createMedia(deps: Deps): Media {
  const { database, store, thumbnailer, fetchRemote, clock, random, serverName, maxUploadBytes } = deps;
  const { sql } = database;
  /** Fetches under way, so that many readers of one file cause one request. */
  const fetching = new Map<string, Promise<MediaRow>>();

  function newKey(kind: 'local' | 'remote' | 'thumbnail'): string {
    const name = random.text(ID_BITS);
    return `${kind}/${name.slice(0, 2)}/${name.slice(2)}`;
  }

  async function storeFile(stream: Readable, { contentType, fileName, length }: UploadDescription) {
    if (length !== undefined && length > maxUploadBytes)
      throw tooLarge(`The file is larger than the ${maxUploadBytes} bytes allowed here.`);
    const objectKey = newKey('local');
    const received = await receiveBytes(store, objectKey, stream, maxUploadBytes);
    return { objectKey, ...received, contentType: contentType ?? 'application/octet-stream', fileName: fileName ?? null };
  }

  async function load(origin: string, mediaId: string, isRemoteAllowed: boolean): Promise<MediaRow & { objectKey: string }> {
    const missing = () => notFound(`There is no media ${buildContentUri({ serverName: origin, mediaId })}.`);
    if (!isMediaId(mediaId)) throw missing();
    let row = await findMedia(sql, origin, mediaId);
    if (row === undefined && origin !== serverName && isRemoteAllowed) row = await fetchOnce(origin, mediaId);
    if (row === undefined) throw missing();
    const { objectKey } = row;
    if (objectKey === null) throw matrixError(504, 'M_NOT_YET_UPLOADED', 'The file was announced and has not been uploaded yet.');
    return { ...row, objectKey };
  }

  async function fetchOnce(origin: string, mediaId: string): Promise<MediaRow> {
    const key = `${origin}/${mediaId}`;
    const underWay = fetching.get(key) ?? fetchAndStore(origin, mediaId).finally(() => fetching.delete(key));
    fetching.set(key, underWay);
    return await underWay;
  }

  async function fetchAndStore(origin: string, mediaId: string): Promise<MediaRow> {
    const { stream, contentType, fileName } = await fetchRemote(origin, mediaId);
    const objectKey = newKey('remote');
    const { bytes, sha256 } = await receiveBytes(store, objectKey, stream, maxUploadBytes);
    const row: MediaRow = {
      origin,
      mediaId,
      uploaderNid: null,
      objectKey,
      contentType: contentType ?? 'application/octet-stream',
      fileName: fileName ?? null,
      bytes,
      sha256,
      createdAt: clock.now(),
      expiresAt: null,
    };
    await insertMedia(sql, row);
    return row;
  }

  async function openObject(key: string): Promise<Readable> {
    const stream = await store.open(key);
    if (stream === undefined) throw notFound('The file is lost: its bytes are not in the store any more.');
    return stream;
  }

  async function makeThumbnail(row: MediaRow & { objectKey: string }, size: Parameters<typeof findThumbnail>[3]) {
    if ((row.bytes ?? 0) > MAX_THUMBNAILED_BYTES) throw tooLarge(`Images of more than ${MAX_THUMBNAILED_BYTES} bytes have no thumbnail.`);
    const image = await buffer(await openObject(row.objectKey));
    const type = sniffImage(image.subarray(0, SNIFFED_BYTES));
    if (type === undefined) throw unknown('Only PNG, JPEG, GIF, WebP and AVIF images have thumbnails.');
    const isAnimated = size.isAnimated && (type === 'image/gif' || type === 'image/webp');
    const drawn = await thumbnailer.draw(image, { ...size, isAnimated });
    const objectKey = newKey('thumbnail');
    await store.put(objectKey, streamOf(drawn.image));
    const { origin, mediaId } = row;
    await insertThumbnail(sql, { ...size, origin, mediaId, objectKey, contentType: drawn.contentType, bytes: drawn.image.length });
    return { stream: streamOf(drawn.image), bytes: drawn.image.length, contentType: drawn.contentType };
  }

  return {
    maxUploadBytes,
    upload: async (uploaderNid, stream, description) => {
      const stored = await storeFile(stream, description);
      const mediaId = random.text(ID_BITS);
      await insertMedia(sql, { origin: serverName, mediaId, uploaderNid, ...stored, createdAt: clock.now(), expiresAt: null });
      return buildContentUri({ serverName, mediaId });
    },
    announce: async (uploaderNid) => {
      const now = clock.now();
      if ((await countPendingMedia(sql, uploaderNid, now)) >= MAX_ANNOUNCED) throw limitExceeded(ANNOUNCED_FOR_MS);
      const mediaId = random.text(ID_BITS);
      const expiresAt = now + ANNOUNCED_FOR_MS;
      const empty = { objectKey: null, contentType: null, fileName: null, bytes: null, sha256: null };
      await insertMedia(sql, { origin: serverName, mediaId, uploaderNid, ...empty, createdAt: now, expiresAt });
      return { uri: buildContentUri({ serverName, mediaId }), expiresAt };
    },
    fill: async (uploaderNid, { origin, mediaId }, stream, description) => {
      const row = origin === serverName ? await findMedia(sql, origin, mediaId) : undefined;
      if (row === undefined || (row.expiresAt ?? Number.POSITIVE_INFINITY) <= clock.now())
        throw notFound('That upload was not announced, or too long ago.');
      if (row.uploaderNid !== uploaderNid) throw forbidden('Somebody else announced that upload.');
      const overwriting = () => matrixError(409, 'M_CANNOT_OVERWRITE_MEDIA', 'That file has been uploaded already.');
      if (row.objectKey !== null) throw overwriting();
      const stored = await storeFile(stream, description);
      if (await fillMedia(sql, { origin, mediaId, ...stored })) return;
      await store.delete(stored.objectKey);
      throw overwriting();
    },
    open: async (origin, mediaId, { isRemoteAllowed }) => {
      const row = await load(origin, mediaId, isRemoteAllowed);
      const contentType = row.contentType ?? 'application/octet-stream';
      return { stream: await openObject(row.objectKey), bytes: row.bytes ?? 0, contentType, fileName: row.fileName ?? undefined };
    },
    thumbnail: async (origin, mediaId, wish, { isRemoteAllowed }) => {
      const size = { ...chooseThumbnailSize(wish), isAnimated: wish.isAnimated };
      const row = await load(origin, mediaId, isRemoteAllowed);
      const known = await findThumbnail(sql, origin, mediaId, size);
      if (known === undefined) return { ...(await makeThumbnail(row, size)), fileName: undefined };
      return { stream: await openObject(known.objectKey), bytes: known.bytes, contentType: known.contentType, fileName: undefined };
    },
  };
}
