import * as crypto from '#crypto';

/** The SHA-256 digest of some bytes: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return crypto.sha256(bytes);
}
