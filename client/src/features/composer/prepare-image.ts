import { encode } from 'blurhash';

/** The longer side of a compressed picture, in pixels. */
const MAX_SIDE_PX = 1_920;
/** The longer side of a thumbnail, and from which size of file on one is worth its bytes. */
const THUMBNAIL_SIDE_PX = 600;
const THUMBNAIL_FROM_BYTES = 300_000;
const QUALITY = 0.82;
const HASH_SIDE_PX = 32;
const HASH_COMPONENTS = { x: 4, y: 3 };
/** Formats that are drawings or move: drawing them anew would lose what they are. */
const KEPT_AS_IS = new Set(['image/gif', 'image/svg+xml', 'image/apng']);

export type PreparedImage = {
  blob: Blob;
  mimeType: string;
  widthPx: number;
  heightPx: number;
  blurhash: string;
  thumbnail: { blob: Blob; mimeType: string; widthPx: number; heightPx: number } | undefined;
};

/** Whether the browser can show the file as a picture that we may measure. */
export function isImage(file: Blob): boolean {
  return file.type.startsWith('image/') && file.type !== 'image/svg+xml';
}

/**
 * Measures a picture, draws its blurhash and thumbnail, and makes it smaller when asked to (which also drops place and camera data).
 * A compressed copy that is no smaller is thrown away. Throws when the file is no picture after all.
 */
export async function prepareImage(file: Blob, { compress }: { compress: boolean }): Promise<PreparedImage> {
  const bitmap = await createImageBitmap(file);
  try {
    const original = { blob: file, mimeType: file.type, widthPx: bitmap.width, heightPx: bitmap.height };
    const chosen = compress && !KEPT_AS_IS.has(file.type) ? smaller(original, await redraw(bitmap, MAX_SIDE_PX)) : original;
    const thumbnail = chosen.blob.size > THUMBNAIL_FROM_BYTES ? await redraw(bitmap, THUMBNAIL_SIDE_PX) : undefined;
    return { ...chosen, blurhash: hash(bitmap), thumbnail };
  } finally {
    bitmap.close();
  }
}

type Picture = { blob: Blob; mimeType: string; widthPx: number; heightPx: number };

function smaller(original: Picture, compressed: Picture): Picture {
  return compressed.blob.size < original.blob.size ? compressed : original;
}

async function redraw(bitmap: ImageBitmap, maxSidePx: number): Promise<Picture> {
  const scale = Math.min(1, maxSidePx / Math.max(bitmap.width, bitmap.height));
  const widthPx = Math.max(1, Math.round(bitmap.width * scale));
  const heightPx = Math.max(1, Math.round(bitmap.height * scale));
  const canvas = new OffscreenCanvas(widthPx, heightPx);
  context(canvas).drawImage(bitmap, 0, 0, widthPx, heightPx);
  // A browser that cannot write WebP answers with PNG: then JPEG is the small one.
  const webp = await canvas.convertToBlob({ type: 'image/webp', quality: QUALITY });
  const blob = webp.type === 'image/webp' ? webp : await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
  return { blob, mimeType: blob.type, widthPx, heightPx };
}

function hash(bitmap: ImageBitmap): string {
  const canvas = new OffscreenCanvas(HASH_SIDE_PX, HASH_SIDE_PX);
  const pen = context(canvas);
  pen.drawImage(bitmap, 0, 0, HASH_SIDE_PX, HASH_SIDE_PX);
  const { data } = pen.getImageData(0, 0, HASH_SIDE_PX, HASH_SIDE_PX);
  return encode(data, HASH_SIDE_PX, HASH_SIDE_PX, HASH_COMPONENTS.x, HASH_COMPONENTS.y);
}

function context(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const pen = canvas.getContext('2d');
  if (pen === null) throw new Error('This browser cannot draw');
  return pen;
}
