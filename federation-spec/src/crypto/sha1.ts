import * as crypto from '#crypto';

/** The SHA-1 digest of some bytes: 20 bytes. Only for state resolution v1, which sorts by it; it protects nothing. */
export function sha1(bytes: Uint8Array): Uint8Array {
  return crypto.sha1(bytes);
}
