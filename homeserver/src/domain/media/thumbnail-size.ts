import type { ThumbnailSize } from '../../storage/media.ts';

/** The sizes that are made; any other is answered with the next larger one. https://spec.matrix.org/latest/client-server-api/#thumbnails */
const SIZES: readonly Omit<ThumbnailSize, 'isAnimated'>[] = [
  { width: 32, height: 32, method: 'crop' },
  { width: 96, height: 96, method: 'crop' },
  { width: 320, height: 240, method: 'scale' },
  { width: 640, height: 480, method: 'scale' },
  { width: 800, height: 600, method: 'scale' },
];

/** The size that is made for a wish: of the wished method, at least as large; the largest when none is. */
export function chooseThumbnailSize(wish: { width: number; height: number; method: 'crop' | 'scale' }): Omit<ThumbnailSize, 'isAnimated'> {
  const isLargeEnough = (size: { width: number; height: number }): boolean => size.width >= wish.width && size.height >= wish.height;
  const sameMethod = SIZES.filter((size) => size.method === wish.method);
  return sameMethod.find(isLargeEnough) ?? SIZES.find(isLargeEnough) ?? { width: 800, height: 600, method: 'scale' };
}
