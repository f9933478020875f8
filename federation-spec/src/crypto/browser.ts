import { ed25519 } from '@noble/curves/ed25519.js';
import { sha1 as nobleSha1 } from '@noble/hashes/legacy.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes);
}

export function sha1(bytes: Uint8Array): Uint8Array {
  return nobleSha1(bytes);
}

export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return ed25519.getPublicKey(seed);
}

export function signEd25519(seed: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  return Promise.resolve(ed25519.sign(bytes, seed));
}

export function verifyEd25519(publicKey: Uint8Array, signature: Uint8Array, bytes: Uint8Array): Promise<boolean> {
  return Promise.resolve(verifyEd25519Sync(publicKey, signature, bytes));
}

export function verifyEd25519Sync(publicKey: Uint8Array, signature: Uint8Array, bytes: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  return ed25519.verify(signature, bytes, publicKey, { zip215: false });
}
