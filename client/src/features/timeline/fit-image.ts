const MAX_WIDTH_PX = 380;
const MAX_HEIGHT_PX = 340;
const MIN_SIDE_PX = 96;
const FALLBACK = { width: 280, height: 210 };

/** The size to show a picture at: within the bubble, never enlarged, and something to hold on to when its size is unknown. */
export function fitImage(widthPx: number | undefined, heightPx: number | undefined): { width: number; height: number } {
  if (widthPx === undefined || heightPx === undefined || widthPx <= 0 || heightPx <= 0) return FALLBACK;
  const scale = Math.min(1, MAX_WIDTH_PX / widthPx, MAX_HEIGHT_PX / heightPx);
  return { width: Math.max(MIN_SIDE_PX, Math.round(widthPx * scale)), height: Math.max(MIN_SIDE_PX, Math.round(heightPx * scale)) };
}
