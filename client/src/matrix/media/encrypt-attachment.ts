import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from 'federation-spec/encoding/base64.ts';
import { randomBytes } from '../random-id.ts';
import type { EncryptedFile } from './media-source.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 8;
const COUNTER_BITS = 64;

export type EncryptedAttachment = {
  ciphertext: ArrayBuffer;
  /** All but `url`, which is known after the upload. */
  file: Omit<EncryptedFile, 'url'>;
};

/** A file that is not what its sender encrypted, or whose key cannot be read. */
export class AttachmentError extends Error {
  override readonly name = 'AttachmentError';
}

/** Encrypts a file with a key of its own. https://spec.matrix.org/latest/client-server-api/#sending-encrypted-attachments */
export async function encryptAttachment(plaintext: ArrayBuffer): Promise<EncryptedAttachment> {
  const keyBytes = randomBytes(KEY_BYTES);
  // The lower half counts blocks from 0.
  const counter = new Uint8Array(2 * NONCE_BYTES);
  counter.set(randomBytes(NONCE_BYTES));

  const key = await crypto.subtle.importKey('raw', keyBytes, 'AES-CTR', false, ['encrypt']);
  const ciphertext = await crypto.subtle.encrypt({ name: 'AES-CTR', counter, length: COUNTER_BITS }, key, plaintext);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', ciphertext));
  return {
    ciphertext,
    file: {
      key: { kty: 'oct', key_ops: ['encrypt', 'decrypt'], alg: 'A256CTR', k: encodeBase64Url(keyBytes), ext: true },
      iv: encodeBase64(counter),
      hashes: { sha256: encodeBase64(hash) },
      v: 'v2',
    },
  };
}

/** Decrypts a file after checking its hash. Throws `AttachmentError` when it was changed on the way. */
export async function decryptAttachment(ciphertext: ArrayBuffer, file: EncryptedFile): Promise<ArrayBuffer> {
  const hash = encodeBase64(new Uint8Array(await crypto.subtle.digest('SHA-256', ciphertext)));
  if (hash !== file.hashes.sha256.replace(/=+$/, '')) throw new AttachmentError('The file was changed on its way: its hash does not match');

  const keyBytes = toBuffer(decodeBase64Url(file.key.k));
  const counter = toBuffer(decodeBase64(file.iv));
  if (keyBytes?.length !== KEY_BYTES || counter?.length !== 2 * NONCE_BYTES)
    throw new AttachmentError('The key of this file cannot be read');
  const key = await crypto.subtle.importKey('raw', keyBytes, 'AES-CTR', false, ['decrypt']);
  return await crypto.subtle.decrypt({ name: 'AES-CTR', counter, length: COUNTER_BITS }, key, ciphertext);
}

/** WebCrypto takes only bytes that are not shared between threads. */
function toBuffer(bytes: Uint8Array | undefined): Uint8Array<ArrayBuffer> | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}
