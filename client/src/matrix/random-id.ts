import { encodeBase64Url } from 'federation-spec/encoding/base64.ts';

/** A random id of 16 bytes, safe in paths: transaction ids, client secrets. */
export function randomId(): string {
  return encodeBase64Url(randomBytes(16));
}

export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}
