import { createHmac, timingSafeEqual } from 'node:crypto';

/** Older or younger than this, a signed request is refused, however right its signature: it may be a recording. */
export const SIGNATURE_MAX_AGE_MS = 5 * 60_000;

/** Whether `hex` is the HMAC-SHA256 of the parts, compared in constant time. */
export function isHmacSha256(secret: string, parts: readonly (string | Uint8Array)[], hex: string): boolean {
  const mac = createHmac('sha256', secret);
  for (const part of parts) mac.update(part);
  const expected = mac.digest();
  const given = Buffer.from(hex, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Whether a time in seconds, as senders write it, is near enough to now. */
export function isFresh(seconds: string | undefined, nowMs: number): boolean {
  return seconds !== undefined && /^\d{1,12}$/.test(seconds) && Math.abs(nowMs - Number(seconds) * 1000) <= SIGNATURE_MAX_AGE_MS;
}
