import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buildContentUri, isMediaId } from 'federation-spec/identifiers/content-uri.ts';
import { parseServerName } from 'federation-spec/identifiers/server-name.ts';
import { limitExceeded, MatrixError, matrixError, notFound } from '../../platform/matrix-error.ts';
import { findMedia, insertMedia, type MediaRow, touchMedia } from '../../storage/media.ts';
import type { ByteRange } from '../../storage/object-store/object-store.ts';
import type { MediaDeps, OpenedMedia, OpenOptions } from './media.ts';
import { newObjectKey } from './object-keys.ts';
import { receiveBytes } from './receive-bytes.ts';
import type { Uploaded } from './upload-media.ts';

/** https://spec.matrix.org/latest/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid */
const DEFAULT_WAIT_MS = 20_000;
const MAX_WAIT_MS = 60_000;
/** How exactly it is known when a file was last read. */
const READ_NOTED_EVERY_MS = 60 * 60 * 1000;
/** Files taken from other servers at the same time. */
const MAX_FETCHES = 64;
const RETRY_AFTER_MS = 2_000;
const MAX_CONTENT_TYPE = 255;
const MAX_FILE_NAME = 255;
/** Signs of base64: 132 bits tell all files apart. The key of the store itself is nobody's business. */
const VERSION_LENGTH = 22;
const PLAIN_BYTES = 'application/octet-stream';

/** A file whose bytes are here. */
export type StoredMedia = MediaRow & { objectKey: string };

export type OpenMedia = {
  load: (origin: string, mediaId: string, options: OpenOptions) => Promise<StoredMedia>;
  describe: (row: Pick<StoredMedia, 'objectKey' | 'bytes' | 'contentType' | 'fileName'>) => OpenedMedia;
  /** Throws M_NOT_FOUND when the bytes are lost. */
  read: (objectKey: string, range?: ByteRange) => Promise<Readable>;
};

type Deps = Pick<MediaDeps, 'database' | 'store' | 'fetchRemote' | 'clock' | 'random' | 'logger' | 'serverName' | 'maxUploadBytes'> &
  Pick<MediaDeps, 'servesWithoutToken' | 'remoteStored'> & { uploaded: Uploaded };

/** Files that people and other servers ask for. */
export function createOpenMedia(deps: Deps): OpenMedia {
  const { database, store, fetchRemote, clock, random, logger, serverName, maxUploadBytes, servesWithoutToken, remoteStored, uploaded } =
    deps;
  const { sql } = database;
  /** Fetches under way, so that many readers of one file cause one request. */
  const fetching = new Map<string, Promise<MediaRow>>();

  async function load(origin: string, mediaId: string, options: OpenOptions): Promise<StoredMedia> {
    const missing = () => notFound(`There is no media ${buildContentUri({ serverName: origin, mediaId })}.`);
    if (!isMediaId(mediaId) || parseServerName(origin) === undefined) throw missing();
    let row = await findMedia(sql, origin, mediaId);
    if (row === undefined && origin !== serverName && options.isRemoteAllowed && mayPass(undefined, options))
      row = await fetchOnce(origin, mediaId);
    if (row !== undefined && isAwaited(row)) row = await awaitUpload(row, options);
    if (row === undefined || row.quarantinedAt !== null || !mayPass(row, options)) throw missing();
    const { objectKey } = row;
    if (objectKey === null) throw matrixError(504, 'M_NOT_YET_UPLOADED', 'The file was announced and has not been uploaded yet.');
    noteRead(row);
    return { ...row, objectKey };
  }

  /** A file that is not here yet would come after the freeze. https://spec.matrix.org/latest/client-server-api/#content-repo-client-behaviour */
  function mayPass(row: MediaRow | undefined, { isWithoutToken = false }: OpenOptions): boolean {
    return !isWithoutToken || servesWithoutToken || row?.isFrozen === false;
  }

  function isAwaited({ objectKey, expiresAt, quarantinedAt }: MediaRow): boolean {
    return objectKey === null && quarantinedAt === null && expiresAt !== null && expiresAt > clock.now();
  }

  async function awaitUpload(row: MediaRow, { waitMs = DEFAULT_WAIT_MS, signal }: OpenOptions): Promise<MediaRow | undefined> {
    if (waitMs === 0) return row;
    const enough = new AbortController();
    const ends = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
    const waiting = uploaded.wait(row.mediaId, Math.min(waitMs, MAX_WAIT_MS), ends);
    const meanwhile = await findMedia(sql, row.origin, row.mediaId); // it may have come before the wait began
    if (meanwhile === undefined || !isAwaited(meanwhile)) enough.abort();
    await waiting;
    return await findMedia(sql, row.origin, row.mediaId);
  }

  function noteRead({ origin, mediaId, lastReadAt }: MediaRow): void {
    const now = clock.now();
    if (now - lastReadAt < READ_NOTED_EVERY_MS) return;
    touchMedia(sql, { origin, mediaId }, now).catch((error: unknown) => logger.warn({ err: error }, 'a read of a file was not noted'));
  }

  async function fetchOnce(origin: string, mediaId: string): Promise<MediaRow | undefined> {
    const key = `${origin}/${mediaId}`;
    if (!fetching.has(key) && fetching.size >= MAX_FETCHES) throw limitExceeded(RETRY_AFTER_MS);
    const underWay = fetching.get(key) ?? fetchAndStore(origin, mediaId).finally(() => fetching.delete(key));
    fetching.set(key, underWay);
    await underWay;
    return await findMedia(sql, origin, mediaId);
  }

  async function fetchAndStore(origin: string, mediaId: string): Promise<MediaRow> {
    const { stream, contentType, fileName } = await fetchRemote(origin, mediaId);
    const objectKey = newObjectKey(random, 'remote');
    const { bytes, sha256 } = await receiveBytes(store, objectKey, stream, maxUploadBytes).catch((error: unknown) => {
      if (error instanceof MatrixError && error.errcode === 'M_TOO_LARGE')
        throw matrixError(502, 'M_TOO_LARGE', `The file is larger than the ${maxUploadBytes} bytes that are taken from other servers.`);
      if (error instanceof MatrixError) throw error;
      throw matrixError(502, 'M_UNKNOWN', `The file could not be fetched from ${origin}.`);
    });
    const row: MediaRow = {
      origin,
      mediaId,
      uploaderNid: null,
      objectKey,
      contentType: contentType?.slice(0, MAX_CONTENT_TYPE) ?? PLAIN_BYTES,
      fileName: fileName?.slice(0, MAX_FILE_NAME).replaceAll('\0', '').toWellFormed() ?? null,
      bytes,
      sha256,
      createdAt: clock.now(),
      expiresAt: null,
      lastReadAt: clock.now(),
      quarantinedAt: null,
      isFrozen: !servesWithoutToken,
      isProtected: false,
    };
    if (await insertMedia(sql, { ...row, isPreview: false })) remoteStored(bytes);
    else await store.delete(objectKey);
    return row;
  }

  async function read(objectKey: string, range?: ByteRange): Promise<Readable> {
    const stream = await store.open(objectKey, range);
    if (stream === undefined) throw notFound('The file is lost: its bytes are not in the store any more.');
    return stream;
  }

  const describe: OpenMedia['describe'] = ({ objectKey, bytes, contentType, fileName }) => {
    const { link } = store;
    return {
      bytes: bytes ?? 0,
      contentType: contentType ?? PLAIN_BYTES,
      fileName: fileName ?? undefined,
      version: createHash('sha256').update(objectKey).digest('base64url').slice(0, VERSION_LENGTH),
      read: (range) => read(objectKey, range),
      ...(link === undefined ? {} : { link: (headers) => link(objectKey, headers) }),
    };
  };

  return { load, describe, read };
}
