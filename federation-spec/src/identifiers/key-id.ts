/** A key id taken apart: `ed25519:abc` is the key `abc` for the algorithm `ed25519`. */
export type KeyId = { algorithm: string; name: string };

const KEY_ID = /^([a-z0-9_]+):([^\u0000]+)$/;
const MAX_KEY_ID_LENGTH = 255;

/**
 * Parses the id of a signing key, a device key or a one-time key. A server's own keys have names of `[a-zA-Z0-9_]`; those of devices and
 * users are anything.
 *
 * https://spec.matrix.org/latest/appendices/#signing-details
 */
export function parseKeyId(text: string): KeyId | undefined {
  const [, algorithm, name] = (text.length <= MAX_KEY_ID_LENGTH && KEY_ID.exec(text)) || [];
  return algorithm === undefined || name === undefined ? undefined : { algorithm, name };
}
