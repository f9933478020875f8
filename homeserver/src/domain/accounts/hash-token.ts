import { createHash, timingSafeEqual } from 'node:crypto';

/** What is stored of a secret that is random already, such as a token: its SHA-256. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

/** Compares digests of equal length without telling by time how much of them agrees. */
export function isSameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
