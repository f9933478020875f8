import { buffer } from 'node:stream/consumers';
import { tooLarge, unknown } from '../../platform/matrix-error.ts';
import { findThumbnail, insertThumbnail, type ThumbnailRow, type ThumbnailSize } from '../../storage/media.ts';
import type { Media, MediaDeps } from './media.ts';
import { newObjectKey } from './object-keys.ts';
import type { OpenMedia, StoredMedia } from './open-media.ts';
import { streamOf } from './receive-bytes.ts';
import { SNIFFED_BYTES, sniffImage } from './sniff-image.ts';
import { chooseThumbnailSize } from './thumbnail-size.ts';

/** An image with more bytes gets no thumbnail: it would have to be read whole. */
const MAX_THUMBNAILED_BYTES = 32 * 1024 * 1024;

type Deps = Pick<MediaDeps, 'database' | 'store' | 'thumbnailer' | 'random'> & { openMedia: OpenMedia };
type Drawn = Pick<StoredMedia, 'objectKey' | 'bytes' | 'contentType'>;

/** Smaller images of files. https://spec.matrix.org/latest/client-server-api/#thumbnails */
export function createMakeThumbnails({ database, store, thumbnailer, random, openMedia }: Deps): Media['thumbnail'] {
  const { sql } = database;
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
    if ((row.bytes ?? 0) > MAX_THUMBNAILED_BYTES) throw tooLarge(`Images of more than ${MAX_THUMBNAILED_BYTES} bytes have no thumbnail.`);
    const image = await buffer(await openMedia.read(row.objectKey));
    const type = sniffImage(image.subarray(0, SNIFFED_BYTES));
    if (type === undefined) throw unknown('Only PNG, JPEG, GIF, WebP and AVIF images have thumbnails.');
    const isAnimated = size.isAnimated && (type === 'image/gif' || type === 'image/webp');
    const drawn = await thumbnailer.draw(image, { ...size, isAnimated });
    if (drawn === 'small-enough') return { objectKey: row.objectKey, bytes: row.bytes, contentType: type };
    const thumbnail: ThumbnailRow = {
      ...size,
      origin: row.origin,
      mediaId: row.mediaId,
      objectKey: newObjectKey(random, 'thumbnail'),
      contentType: drawn.contentType,
      bytes: drawn.image.length,
    };
    await store.put(thumbnail.objectKey, streamOf(drawn.image));
    if (await insertThumbnail(sql, thumbnail)) return thumbnail;
    await store.delete(thumbnail.objectKey);
    return (await findThumbnail(sql, row.origin, row.mediaId, size)) ?? { objectKey: row.objectKey, bytes: row.bytes, contentType: type };
  }
}
