import { createCipheriv, createECDH, hkdfSync } from 'node:crypto';
import type { Random } from '../../platform/random.ts';

const SALT_BYTES = 16;
const KEY_BYTES = 16;
const NONCE_BYTES = 12;
const SECRET_BYTES = 32;
/** One record holds the whole message; push services take messages of at most this size. */
const RECORD_BYTES = 4_096;
/** The delimiter of the last, here the only, record. */
const LAST_RECORD = 2;

/** A browser's subscription: its public key (an uncompressed P-256 point of 65 bytes) and the secret it shares with us (16 bytes). */
export type SubscriptionKeys = { p256dh: Uint8Array; auth: Uint8Array };

/**
 * Encrypts a message for one browser; the push service between cannot read it.
 *
 * 1. A key pair for this message alone, and what it has in common with the browser's.
 * 2. That and the shared secret make the input keying material.
 * 3. With a fresh salt this makes the key and the nonce.
 * 4. The one record is encrypted, and follows the header: salt, record size, our public key.
 *
 * https://www.rfc-editor.org/rfc/rfc8291#section-3.4
 * https://www.rfc-editor.org/rfc/rfc8188#section-2
 *
 * @throws when `p256dh` is not a point of the curve
 */
export function encryptWebPush(message: Uint8Array, { p256dh, auth }: SubscriptionKeys, random: Random): Uint8Array {
  // 1. A key pair for this message alone.
  const pair = createECDH('prime256v1');
  const ours = pair.generateKeys();
  const common = pair.computeSecret(p256dh);

  // 2. The input keying material.
  const keyInfo = Buffer.concat([Buffer.from('WebPush: info\0'), p256dh, ours]);
  const material = new Uint8Array(hkdfSync('sha256', common, auth, keyInfo, SECRET_BYTES));

  // 3. The key and the nonce.
  const salt = random.bytes(SALT_BYTES);
  const key = new Uint8Array(hkdfSync('sha256', material, salt, 'Content-Encoding: aes128gcm\0', KEY_BYTES));
  const nonce = new Uint8Array(hkdfSync('sha256', material, salt, 'Content-Encoding: nonce\0', NONCE_BYTES));

  // 4. The record, after its header.
  const cipher = createCipheriv('aes-128-gcm', key, nonce);
  const record = [cipher.update(message), cipher.update(Uint8Array.of(LAST_RECORD)), cipher.final(), cipher.getAuthTag()];
  const sizes = Buffer.alloc(5);
  sizes.writeUInt32BE(RECORD_BYTES, 0);
  sizes.writeUInt8(ours.length, 4);
  return Buffer.concat([salt, sizes, ours, ...record]);
}
