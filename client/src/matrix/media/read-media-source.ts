import { objectIn, stringIn } from '../json.ts';
import type { EncryptedFile, MediaSource } from './media-source.ts';

/** Where a content says that its file is; nothing when it says nothing usable. */
export function readMediaSource(content: unknown): MediaSource | undefined {
  const file = readEncryptedFile(objectIn(content, 'file'));
  if (file !== undefined) return { encrypted: true, url: file.url, file };
  const url = stringIn(content, 'url');
  return url?.startsWith('mxc://') === true ? { encrypted: false, url } : undefined;
}

/** Reads an `EncryptedFile`, refusing what we could not decrypt or check. https://spec.matrix.org/latest/client-server-api/#definition-encryptedfile */
export function readEncryptedFile(file: unknown): EncryptedFile | undefined {
  const url = stringIn(file, 'url');
  const key = stringIn(objectIn(file, 'key'), 'k');
  const iv = stringIn(file, 'iv');
  const sha256 = stringIn(objectIn(file, 'hashes'), 'sha256');
  if (url === undefined || key === undefined || iv === undefined || sha256 === undefined) return undefined;
  if (!url.startsWith('mxc://') || stringIn(file, 'v') !== 'v2') return undefined;
  return { url, key: { kty: 'oct', key_ops: ['encrypt', 'decrypt'], alg: 'A256CTR', k: key, ext: true }, iv, hashes: { sha256 }, v: 'v2' };
}
