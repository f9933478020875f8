import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';

/** Public keys kept as parsed keys: parsing costs as much as half a verification. */
const MAX_CACHED_PUBLIC_KEYS = 4_096;

/** PKCS #8 and SubjectPublicKeyInfo in front of the 32 bytes of an ed25519 key (RFC 8410). */
const PRIVATE_KEY_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_KEY_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

const privateKeys = new WeakMap<Uint8Array, KeyObject>();
const publicKeys = new Map<string, KeyObject>();

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

export function sha1(bytes: Uint8Array): Uint8Array {
  return hash('sha1', bytes, 'buffer');
}

export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  const spki = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(PUBLIC_KEY_PREFIX.length));
}

/** At once, in this thread: handing a signature to the pool costs this thread as much as making it, and a turn of the event loop beside. */
export async function signEd25519(seed: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  return sign(null, bytes, privateKeyOf(seed));
}

export function verifyEd25519(publicKey: Uint8Array, signature: Uint8Array, bytes: Uint8Array): Promise<boolean> {
  const key = publicKeyOf(publicKey);
  if (key === undefined || signature.length !== SIGNATURE_BYTES) return Promise.resolve(false);
  return new Promise((resolve) => {
    verify(null, bytes, key, signature, (error, good) => resolve(error === null && good));
  });
}

export function verifyEd25519Sync(publicKey: Uint8Array, signature: Uint8Array, bytes: Uint8Array): boolean {
  const key = publicKeyOf(publicKey);
  if (key === undefined || signature.length !== SIGNATURE_BYTES) return false;
  return verify(null, bytes, key, signature);
}

/** Kept for as long as the caller keeps its seed, which must not be changed in place. */
function privateKeyOf(seed: Uint8Array): KeyObject {
  const known = privateKeys.get(seed);
  if (known !== undefined) return known;
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_KEY_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  privateKeys.set(seed, key);
  return key;
}

function publicKeyOf(publicKey: Uint8Array): KeyObject | undefined {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return undefined;
  const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, publicKey.byteLength).toString('latin1');
  const known = publicKeys.get(name);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: Buffer.concat([PUBLIC_KEY_PREFIX, publicKey]), format: 'der', type: 'spki' });
  if (publicKeys.size >= MAX_CACHED_PUBLIC_KEYS) publicKeys.clear();
  publicKeys.set(name, key);
  return key;
}
