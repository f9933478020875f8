import { ed25519PublicKey } from 'federation-spec/crypto/ed25519.ts';
import { decodeBase64, encodeBase64 } from 'federation-spec/encoding/base64.ts';

/**
 * Seeds of signing keys that everybody knows: whoever configured one can be impersonated by anybody.
 * The one of the specification's examples, https://spec.matrix.org/latest/appendices/#cryptographic-test-vectors, and what is left where
 * no seed was made.
 */
const LEAKED_SEEDS = [
  decodeBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1') ?? new Uint8Array(32),
  new Uint8Array(32),
  new Uint8Array(32).fill(0xff),
];

const leaked = new Set(LEAKED_SEEDS.map((seed) => encodeBase64(ed25519PublicKey(seed))));

/** Whether the private part of a key is known to everybody: nothing that it signed is believed. */
export function isLeakedKey(publicKey: Uint8Array): boolean {
  return leaked.has(encodeBase64(publicKey));
}
