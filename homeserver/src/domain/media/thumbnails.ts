import { buffer } from 'node:stream/consumers';
import { createFairSlots, TooManyWaiting } from '../../platform/fair-slots.ts';
import { limitExceeded, MatrixError, tooLarge, unknown } from '../../platform/matrix-error.ts';
import { readWhole } from '../../platform/read-whole.ts';
import { findThumbnail, insertThumbnail, type ThumbnailRow, type ThumbnailSize } from '../../storage/media.ts';
import type { Media, MediaDeps } from './media.ts';
import { newObjectKey } from './object-keys.ts';
import type { OpenMedia, StoredMedia } from './open-media.ts';
import { streamOf } from './receive-bytes.ts';
import { SNIFFED_BYTES, sniffImage } from './sniff-image.ts';
import { chooseThumbnailSize } from './thumbnail-size.ts';

/** An image with more bytes gets no thumbnail: it would have to be read whole. */
const MAX_THUMBNAILED_BYTES = 32 * 1024 * 1024;
/**
 * How many images are held in memory to be drawn smaller, how many of those that one person or server brought, and how many more of theirs wait
 * for that: one after the other, in turn with those of others.
 */
const MAX_HELD_IMAGES = 4;
const MAX_HELD_IMAGES_OF_ONE = 2;
const MAX_WAITING_OF_ONE = 50;
const RETRY_AFTER_MS = 2_000;
/** A thumbnail that another server made. */
const MAX_REMOTE_THUMBNAIL_BYTES = 4 * 1024 * 1024;

type Deps = Pick<MediaDeps, 'database' | 'store' | 'thumbnailer' | 'random' | 'serverName' | 'fetchRemoteThumbnail'> & {
  openMedia: OpenMedia;
};
type Drawn = Pick<StoredMedia, 'objectKey' | 'bytes' | 'contentType'>;
type Picture = { contentType: string; image: Uint8Array };

/**
 * Smaller images of files. Those of another server's files are drawn here as well: a file is known by its bytes when it is withheld, and
 * its thumbnail alone would not tell. What cannot be drawn here, being too large or no image, its server may have a thumbnail of.
 * https://spec.matrix.org/latest/client-server-api/#thumbnails
 */
export function createMakeThumbnails(deps: Deps): Media['thumbnail'] {
  const { database, store, thumbnailer, random, openMedia, serverName, fetchRemoteThumbnail } = deps;
  const { sql } = database;
  const slots = createFairSlots({ total: MAX_HELD_IMAGES, perName: MAX_HELD_IMAGES_OF_ONE, maxWaiting: MAX_WAITING_OF_ONE });
  /** What is being drawn, so that many readers of one image cause one drawing. */
  const drawing = new Map<string, Promise<Drawn>>();

  return async function thumbnail(origin, mediaId, wish, options) {
    const size = { ...chooseThumbnailSize(wish), isAnimated: wish.isAnimated };
    const row = await openMedia.load(origin, mediaId, options);
    const drawn: Drawn = (await findThumbnail(sql, origin, mediaId, size)) ?? (await makeOnce(row, size));
    return openMedia.describe({ ...drawn, fileName: null });
  };

  async function makeOnce(row: StoredMedia, size: ThumbnailSize): Promise<Drawn> {
    const key = JSON.stringify([row.origin, row.mediaId, size]);
    const underWay = drawing.get(key) ?? make(row, size).finally(() => drawing.delete(key));
    drawing.set(key, underWay);
    return await underWay;
  }

  async function make(row: StoredMedia, size: ThumbnailSize): Promise<Drawn> {
    const picture = await drawInTurn(row, size).catch(async (refusal: unknown) => {
      if (row.origin === serverName || !(refusal instanceof MatrixError) || refusal.errcode === 'M_LIMIT_EXCEEDED') throw refusal;
      return await takeTheirs(row, size).catch(() => {
        throw refusal; // why it cannot be drawn is the better answer
      });
    });
    return 'image' in picture ? await keep(row, size, picture) : picture;
  }

  async function drawInTurn(row: StoredMedia, size: ThumbnailSize): Promise<Picture | Drawn> {
    try {
      return await slots.run(`${row.origin} ${row.uploaderNid ?? ''}`, () => draw(row, size));
    } catch (error) {
      throw error instanceof TooManyWaiting ? limitExceeded(RETRY_AFTER_MS) : error;
    }
  }

  /** The thumbnail, or the file where that serves as it is. */
  async function draw(row: StoredMedia, size: ThumbnailSize): Promise<Picture | Drawn> {
    if ((row.bytes ?? 0) > MAX_THUMBNAILED_BYTES) throw tooLarge(`Images of more than ${MAX_THUMBNAILED_BYTES} bytes have no thumbnail.`);
    const image = await buffer(await openMedia.read(row.objectKey));
    const type = sniffImage(image.subarray(0, SNIFFED_BYTES));
    if (type === undefined) throw unknown('Only PNG, JPEG, GIF, WebP and AVIF images have thumbnails.');
    const isAnimated = size.isAnimated && (type === 'image/gif' || type === 'image/webp');
    const drawn = await thumbnailer.draw(image, { ...size, isAnimated });
    if (drawn === 'small-enough') return { objectKey: row.objectKey, bytes: row.bytes, contentType: type };
    return drawn;
  }

  /** What the file's own server makes of it. Throws when that is no image that can be read here. */
  async function takeTheirs({ origin, mediaId }: StoredMedia, size: ThumbnailSize): Promise<Picture> {
    const image = await readWhole(await fetchRemoteThumbnail(origin, mediaId, size), MAX_REMOTE_THUMBNAIL_BYTES, () =>
      tooLarge('The thumbnail of another server is too large.'),
    );
    const contentType = sniffImage(image.subarray(0, SNIFFED_BYTES));
    if (contentType === undefined) throw unknown('The thumbnail of another server is no image.');
    const drawn = await thumbnailer.draw(image, size);
    return drawn === 'small-enough' ? { contentType, image } : drawn;
  }

  async function keep(row: StoredMedia, size: ThumbnailSize, picture: Picture): Promise<Drawn> {
    const thumbnail: ThumbnailRow = {
      ...size,
      origin: row.origin,
      mediaId: row.mediaId,
      objectKey: newObjectKey(random, 'thumbnail'),
      contentType: picture.contentType,
      bytes: picture.image.length,
    };
    await store.put(thumbnail.objectKey, streamOf(picture.image));
    if (await insertThumbnail(sql, thumbnail)) return thumbnail;
    await store.delete(thumbnail.objectKey);
    return (await findThumbnail(sql, row.origin, row.mediaId, size)) ?? row;
  }
}
