import { decodeBase64, encodeBase64 } from 'federation-spec/encoding/base64.ts';
import type { JsonObject } from '../json.ts';
import { stringIn } from '../json.ts';
import { randomBytes } from '../random-id.ts';

/*
 * `m.secret_storage.v1.aes-hmac-sha2`: a secret is encrypted with keys drawn from the storage key and the secret's name.
 * https://spec.matrix.org/latest/client-server-api/#msecret_storagev1aes-hmac-sha2
 */

const IV_BYTES = 16;
const CHECKED_BYTES = 32;
const COUNTER_BITS = 64;
const DERIVED_BITS = 512;
/** Bit 63 of the counter is cleared, to work around differences between platforms. */
const IV_SIGN_BYTE = 8;

export type EncryptedSecret = { iv: string; ciphertext: string; mac: string };

/** Encrypts a secret under its name. */
export async function encryptSecret(key: Uint8Array, name: string, secret: string): Promise<EncryptedSecret> {
  return await encryptBytes(key, name, new TextEncoder().encode(secret));
}

/** Decrypts a secret; nothing when the key is another or the secret was changed. */
export async function decryptSecret(key: Uint8Array, name: string, encrypted: unknown): Promise<string | undefined> {
  const iv = decodeBase64(stringIn(encrypted, 'iv') ?? '');
  const ciphertext = decodeBase64(stringIn(encrypted, 'ciphertext') ?? '');
  const mac = decodeBase64(stringIn(encrypted, 'mac') ?? '');
  if (iv?.length !== IV_BYTES || ciphertext === undefined || mac === undefined) return undefined;

  const keys = await deriveKeys(key, name);
  const isGood = await crypto.subtle.verify('HMAC', keys.hmac, new Uint8Array(mac), new Uint8Array(ciphertext));
  if (!isGood) return undefined;
  const counter = new Uint8Array(iv);
  const plaintext = await crypto.subtle.decrypt({ name: 'AES-CTR', counter, length: COUNTER_BITS }, keys.aes, new Uint8Array(ciphertext));
  return new TextDecoder().decode(plaintext);
}

/** What describes a key so that it can be told whether one typed in later is the same. */
export async function describeKey(key: Uint8Array): Promise<JsonObject> {
  const { iv, mac } = await encryptBytes(key, '', new Uint8Array(CHECKED_BYTES));
  return { algorithm: 'm.secret_storage.v1.aes-hmac-sha2', iv, mac };
}

/** Whether a key is the described one. */
export async function isDescribedKey(key: Uint8Array, description: unknown): Promise<boolean> {
  const iv = decodeBase64(stringIn(description, 'iv') ?? '');
  const mac = stringIn(description, 'mac');
  // Very old descriptions have no check: the secrets themselves will tell.
  if (iv?.length !== IV_BYTES || mac === undefined) return true;
  const again = await encryptBytes(key, '', new Uint8Array(CHECKED_BYTES), iv);
  return again.mac === mac.replace(/=+$/, '');
}

/** The key that a passphrase stands for. https://spec.matrix.org/latest/client-server-api/#deriving-keys-from-passphrases */
export async function deriveKeyFromPassphrase(passphrase: string, salt: string, iterations: number): Promise<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const material = await crypto.subtle.importKey('raw', encoder.encode(passphrase), 'PBKDF2', false, ['deriveBits']);
  const algorithm = { name: 'PBKDF2', hash: 'SHA-512', salt: encoder.encode(salt), iterations };
  return new Uint8Array(await crypto.subtle.deriveBits(algorithm, material, 8 * CHECKED_BYTES));
}

async function encryptBytes(
  key: Uint8Array,
  name: string,
  plaintext: Uint8Array<ArrayBuffer>,
  givenIv?: Uint8Array,
): Promise<EncryptedSecret> {
  const counter = givenIv === undefined ? randomIv() : new Uint8Array(givenIv);
  const keys = await deriveKeys(key, name);
  const ciphertext = await crypto.subtle.encrypt({ name: 'AES-CTR', counter, length: COUNTER_BITS }, keys.aes, plaintext);
  const mac = await crypto.subtle.sign('HMAC', keys.hmac, ciphertext);
  return { iv: encodeBase64(counter), ciphertext: encodeBase64(new Uint8Array(ciphertext)), mac: encodeBase64(new Uint8Array(mac)) };
}

function randomIv(): Uint8Array<ArrayBuffer> {
  const iv = randomBytes(IV_BYTES);
  iv[IV_SIGN_BYTE] = (iv[IV_SIGN_BYTE] ?? 0) & 0x7f;
  return iv;
}

async function deriveKeys(key: Uint8Array, name: string): Promise<{ aes: CryptoKey; hmac: CryptoKey }> {
  const material = await crypto.subtle.importKey('raw', new Uint8Array(key), 'HKDF', false, ['deriveBits']);
  const info = new TextEncoder().encode(name);
  const bits = await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(32), info }, material, DERIVED_BITS);
  const aes = await crypto.subtle.importKey('raw', bits.slice(0, 32), 'AES-CTR', false, ['encrypt', 'decrypt']);
  const hmac = await crypto.subtle.importKey('raw', bits.slice(32), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
  return { aes, hmac };
}
