import { parentPort } from 'node:worker_threads';
import sharp from 'sharp';
import type { ThumbnailSize } from '../../storage/media.ts';

export type ThumbnailJob = { id: number; image: Uint8Array; size: ThumbnailSize };
export type ThumbnailResult = { id: number; ok: true; contentType: string; image: Uint8Array } | { id: number; ok: false; reason: string };

/** An image with more pixels is a bomb: 100 megapixels, some 400 MB decoded. */
const MAX_PIXELS = 100_000_000;
/** The decoder gives up after so long. */
const MAX_SECONDS = 10;

sharp.cache(false);
sharp.concurrency(1);

async function draw({ image, size }: ThumbnailJob): Promise<{ contentType: string; image: Uint8Array }> {
  const source = sharp(image, { limitInputPixels: MAX_PIXELS, animated: size.isAnimated, failOn: 'error' }).timeout({
    seconds: MAX_SECONDS,
  });
  const fit = size.method === 'crop' ? 'cover' : 'inside';
  const { hasAlpha } = await source.metadata();
  const resized = source.rotate().resize({ width: size.width, height: size.height, fit, withoutEnlargement: size.method === 'scale' });
  if (size.isAnimated) return { contentType: 'image/webp', image: await resized.webp({ quality: 80 }).toBuffer() };
  if (hasAlpha) return { contentType: 'image/png', image: await resized.png().toBuffer() };
  return { contentType: 'image/jpeg', image: await resized.jpeg({ quality: 80 }).toBuffer() };
}

parentPort?.on('message', async (job: ThumbnailJob) => {
  let result: ThumbnailResult;
  try {
    result = { id: job.id, ok: true, ...(await draw(job)) };
  } catch (error) {
    result = { id: job.id, ok: false, reason: error instanceof Error ? error.message : 'the image could not be read' };
  }
  parentPort?.postMessage(result);
});
