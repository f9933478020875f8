import { parentPort } from 'node:worker_threads';
import sharp from 'sharp';
import type { ThumbnailSize } from '../../storage/media.ts';

/** Without a size the image is only measured. */
export type ThumbnailJob = { id: number; image: Uint8Array; size: ThumbnailSize | undefined };
export type Drawing = { contentType: string; image: Uint8Array };
/** `small-enough`: the image is no larger than its thumbnail may be, and serves as it is. */
export type ThumbnailResult = { id: number } & (
  | { kind: 'drawn'; drawing: Drawing }
  | { kind: 'small-enough' }
  | { kind: 'measured'; width: number; height: number }
  | { kind: 'too-large' }
  | { kind: 'unreadable'; reason: string }
);
type Outcome = ThumbnailResult extends infer Result ? (Result extends { id: number } ? Omit<Result, 'id'> : never) : never;

/** An image with more pixels, all its frames taken together, is a bomb: 100 megapixels, some 400 MB decoded. */
const MAX_PIXELS = 100_000_000;
/** The decoder gives up after so long. */
const MAX_SECONDS = 10;
/** Orientations of EXIF in which the image lies on its side. */
const FIRST_LYING_ORIENTATION = 5;

sharp.cache(false);
sharp.concurrency(1);

async function draw(image: Uint8Array, size: ThumbnailSize): Promise<Outcome> {
  const source = sharp(image, { limitInputPixels: false, animated: size.isAnimated, failOn: 'error' }).timeout({ seconds: MAX_SECONDS });
  const { width, height, pages = 1, pageHeight = height, hasAlpha, format, orientation = 1 } = await source.metadata();
  if (width * pageHeight * (size.isAnimated ? pages : 1) > MAX_PIXELS) return { kind: 'too-large' };
  const [shownWidth, shownHeight] = orientation >= FIRST_LYING_ORIENTATION ? [pageHeight, width] : [width, pageHeight];
  // Nothing is upscaled; a moving image stays only where it may move.
  if (shownWidth <= size.width && shownHeight <= size.height && (pages === 1 || size.isAnimated)) {
    await source.stats(); // a broken image is refused all the same
    return { kind: 'small-enough' };
  }
  const fit = size.method === 'crop' ? 'cover' : 'inside';
  const resized = source.rotate().resize({ width: size.width, height: size.height, fit, withoutEnlargement: true });
  if (size.isAnimated && pages > 1) return drawn('image/webp', await resized.webp({ quality: 80 }).toBuffer());
  if (hasAlpha || format === 'png') return drawn('image/png', await resized.png().toBuffer());
  return drawn('image/jpeg', await resized.jpeg({ quality: 80 }).toBuffer());
}

async function measure(image: Uint8Array): Promise<Outcome> {
  const { width, height, orientation = 1 } = await sharp(image, { limitInputPixels: false }).metadata();
  const isLying = orientation >= FIRST_LYING_ORIENTATION;
  return { kind: 'measured', width: isLying ? height : width, height: isLying ? width : height };
}

function drawn(contentType: string, image: Uint8Array): Outcome {
  return { kind: 'drawn', drawing: { contentType, image } };
}

parentPort?.on('message', async (job: ThumbnailJob) => {
  let outcome: Outcome;
  try {
    outcome = job.size === undefined ? await measure(job.image) : await draw(job.image, job.size);
  } catch (error) {
    outcome = { kind: 'unreadable', reason: error instanceof Error ? error.message : 'the image could not be read' };
  }
  parentPort?.postMessage({ id: job.id, ...outcome });
});
