import { encodeCanonicalJson } from '../canonical-json/encode-canonical-json.ts';
import { sha256 } from '../crypto/sha256.ts';
import { decodeBase64, encodeBase64 } from '../encoding/base64.ts';
import { encodeUtf8 } from '../encoding/utf8.ts';
import type { Pdu, PduDraft } from './event.ts';

/**
 * The hash, in unpadded base64, over the whole event but `unsigned`, `signatures` and `hashes`. It belongs in `hashes.sha256`.
 *
 * https://spec.matrix.org/latest/server-server-api/#calculating-the-content-hash-for-an-event
 */
export function contentHash(event: PduDraft): string {
  return encodeBase64(contentHashBytes(event));
}

/** Whether the event's `hashes.sha256` is the hash of its content. When it is not, only the redacted form of the event may be used. */
export function isContentHashGood(event: Pdu): boolean {
  const claimed = typeof event.hashes.sha256 === 'string' ? decodeBase64(event.hashes.sha256) : undefined;
  const computed = contentHashBytes(event);
  return claimed !== undefined && claimed.length === computed.length && claimed.every((byte, i) => byte === computed[i]);
}

function contentHashBytes(event: PduDraft): Uint8Array {
  const { unsigned, signatures, hashes, ...hashed } = event;
  return sha256(encodeUtf8(encodeCanonicalJson(hashed)));
}
