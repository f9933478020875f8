import * as crypto from '#crypto';

/** The public key (32 bytes) of a signing key given by its seed (32 bytes). Throws when the seed has another length. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  return crypto.ed25519PublicKey(seed);
}

/** Signs bytes with the key of a seed (32 bytes, not changed afterwards): a signature of 64 bytes. On a server this works off the main loop. */
export function signEd25519(seed: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  return crypto.signEd25519(seed, bytes);
}

/** Whether the owner of `publicKey` made `signature` over `bytes`. Keys and signatures of a wrong length are simply not good. */
export function verifyEd25519(publicKey: Uint8Array, signature: Uint8Array, bytes: Uint8Array): Promise<boolean> {
  return crypto.verifyEd25519(publicKey, signature, bytes);
}

/** As `verifyEd25519`, at once: for rules that may not wait, such as the one for third-party invites. */
export function verifyEd25519Sync(publicKey: Uint8Array, signature: Uint8Array, bytes: Uint8Array): boolean {
  return crypto.verifyEd25519Sync(publicKey, signature, bytes);
}
