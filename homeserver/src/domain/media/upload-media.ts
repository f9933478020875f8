import type { Readable } from 'node:stream';
import { buildContentUri } from 'federation-spec/identifiers/content-uri.ts';
import { forbidden, limitExceeded, matrixError, notFound, tooLarge, unknown } from '../../platform/matrix-error.ts';
import { inTransaction, type Sql } from '../../storage/database.ts';
import { chargeUploader, countPendingMedia, fillMedia, findMedia, insertMedia, loadMediaUsage } from '../../storage/media.ts';
import type { Media, MediaDeps, UploadDescription } from './media.ts';
import { MEDIA_ID_BITS, newObjectKey } from './object-keys.ts';
import { BrokenUpload, receiveBytes } from './receive-bytes.ts';

/** An announced upload must come within a day. https://spec.matrix.org/latest/client-server-api/#post_matrixmediav1create */
const ANNOUNCED_FOR_MS = 24 * 60 * 60 * 1000;
const MAX_ANNOUNCED = 50;
const RETRY_AFTER_MS = 60_000;
const MAX_FILE_NAME = 255;
const MAX_CONTENT_TYPE = 255;
const PLAIN_BYTES = 'application/octet-stream';

/** Who waits for an announced upload. */
export type Uploaded = {
  /** Resolves when the file of this id has come, or after `timeoutMs`. */
  wait: (mediaId: string, timeoutMs: number, signal: AbortSignal | undefined) => Promise<void>;
};

export type Uploads = Pick<Media, 'upload' | 'announce' | 'fill' | 'keepPreviewImage'> & { uploaded: Uploaded };

type Deps = Pick<
  MediaDeps,
  'database' | 'store' | 'clock' | 'random' | 'serverName' | 'maxUploadBytes' | 'quotaBytes' | 'servesWithoutToken'
>;

/** Files that come from our own people. */
export function createUploads(deps: Deps): Uploads {
  const { database, store, clock, random, serverName, maxUploadBytes, quotaBytes, servesWithoutToken } = deps;
  const { sql } = database;
  const waiting = new Map<string, Set<() => void>>();

  async function storeFile(stream: Readable, { contentType, fileName, length }: UploadDescription, maxBytes: number) {
    if (length !== undefined && length > maxBytes) throw tooLarge(`The file is larger than the ${maxBytes} bytes allowed here.`);
    const objectKey = newObjectKey(random, 'local');
    const received = await receiveBytes(store, objectKey, stream, maxBytes).catch((error: unknown) => {
      if (error instanceof BrokenUpload) throw unknown('The upload was broken off.'); // told to whom it may still reach
      throw error;
    });
    return {
      objectKey,
      ...received,
      contentType: contentType?.slice(0, MAX_CONTENT_TYPE) ?? PLAIN_BYTES,
      fileName: fileName === undefined || fileName === '' ? null : fileName.slice(0, MAX_FILE_NAME).toWellFormed(),
    };
  }

  /** Records what was stored, together with the space it takes; what cannot be recorded is not kept. */
  async function record(
    uploaderNid: number,
    stored: { objectKey: string; bytes: number },
    write: (tx: Sql) => Promise<void>,
  ): Promise<void> {
    try {
      await inTransaction(database, async (tx) => {
        if (!(await chargeUploader(tx, uploaderNid, stored.bytes, quotaBytes))) throw outOfSpace();
        await write(tx);
      });
    } catch (error) {
      await store.delete(stored.objectKey);
      throw error;
    }
  }

  /** Before the bytes are taken in; the charge decides. */
  async function checkSpace(uploaderNid: number, { length }: UploadDescription): Promise<void> {
    if (quotaBytes !== undefined && (await loadMediaUsage(sql, uploaderNid)) + (length ?? 0) > quotaBytes) throw outOfSpace();
  }

  const outOfSpace = () => forbidden(`Your files may take ${quotaBytes} bytes here, and with this one they would take more.`);
  const overwriting = () => matrixError(409, 'M_CANNOT_OVERWRITE_MEDIA', 'That file has been uploaded already.');

  return {
    upload: async (uploaderNid, stream, description) => {
      await checkSpace(uploaderNid, description);
      const stored = await storeFile(stream, description, maxUploadBytes);
      const mediaId = random.text(MEDIA_ID_BITS);
      const plain = { createdAt: clock.now(), expiresAt: null, isFrozen: !servesWithoutToken, isPreview: false };
      await record(uploaderNid, stored, async (tx) => {
        await insertMedia(tx, { origin: serverName, mediaId, uploaderNid, ...stored, ...plain });
      });
      return buildContentUri({ serverName, mediaId });
    },
    announce: async (uploaderNid) => {
      const now = clock.now();
      if ((await countPendingMedia(sql, uploaderNid, now)) >= MAX_ANNOUNCED) throw limitExceeded(RETRY_AFTER_MS);
      const mediaId = random.text(MEDIA_ID_BITS);
      const expiresAt = now + ANNOUNCED_FOR_MS;
      const empty = { objectKey: null, contentType: null, fileName: null, bytes: null, sha256: null };
      const plain = { createdAt: now, expiresAt, isFrozen: !servesWithoutToken, isPreview: false };
      await insertMedia(sql, { origin: serverName, mediaId, uploaderNid, ...empty, ...plain });
      return { uri: buildContentUri({ serverName, mediaId }), expiresAt };
    },
    fill: async (uploaderNid, { origin, mediaId }, stream, description) => {
      const row = origin === serverName ? await findMedia(sql, origin, mediaId) : undefined;
      if (row === undefined) throw notFound('That upload was not announced, or too long ago.');
      if (row.uploaderNid !== uploaderNid) throw forbidden('Somebody else announced that upload.');
      if (row.expiresAt === null) throw overwriting();
      if (row.expiresAt <= clock.now()) throw notFound('That upload was announced too long ago.');
      await checkSpace(uploaderNid, description);
      const stored = await storeFile(stream, description, maxUploadBytes);
      await record(uploaderNid, stored, async (tx) => {
        if (!(await fillMedia(tx, { origin, mediaId, ...stored }))) throw overwriting();
      });
      for (const tell of waiting.get(mediaId) ?? []) tell();
    },
    keepPreviewImage: async (stream, description, maxBytes) => {
      const stored = await storeFile(stream, description, maxBytes);
      const mediaId = random.text(MEDIA_ID_BITS);
      const plain = { createdAt: clock.now(), expiresAt: null, isFrozen: !servesWithoutToken, isPreview: true };
      await insertMedia(sql, { origin: serverName, mediaId, uploaderNid: null, ...stored, ...plain });
      return { uri: buildContentUri({ serverName, mediaId }), bytes: stored.bytes };
    },
    uploaded: {
      wait: async (mediaId, timeoutMs, signal) => {
        await new Promise<void>((resolve) => {
          const tellers = waiting.get(mediaId) ?? new Set();
          waiting.set(mediaId, tellers);
          const done = (): void => {
            clearTimeout(timer);
            signal?.removeEventListener('abort', done);
            tellers.delete(done);
            if (tellers.size === 0) waiting.delete(mediaId);
            resolve();
          };
          const timer = setTimeout(done, timeoutMs);
          tellers.add(done);
          if (signal?.aborted === true) done();
          else signal?.addEventListener('abort', done);
        });
      },
    },
  };
}
