/** Where a file lies: in the clear at an `mxc:` address, or encrypted with its key beside it. */
export type MediaSource = { encrypted: false; url: string } | { encrypted: true; url: string; file: EncryptedFile };

/** https://spec.matrix.org/latest/client-server-api/#extensions-to-mroommessage-msgtypes */
export type EncryptedFile = {
  url: string;
  key: { kty: 'oct'; key_ops: string[]; alg: 'A256CTR'; k: string; ext: true };
  /** Base64 of the 16-byte counter block. */
  iv: string;
  /** SHA-256 of the ciphertext, unpadded base64. */
  hashes: { sha256: string };
  v: 'v2';
};
