import { encodeCanonicalJson } from '../canonical-json/encode-canonical-json.ts';
import { sha256 } from '../crypto/sha256.ts';
import { encodeUtf8 } from '../encoding/utf8.ts';
import type { RoomVersionRules } from '../room-versions/room-versions.ts';
import type { Pdu } from './event.ts';
import { redactEvent } from './redact-event.ts';

/**
 * The hash (32 bytes) over what redaction leaves of an event. From room version 3 on it names the event.
 *
 * https://spec.matrix.org/latest/server-server-api/#calculating-the-reference-hash-for-an-event
 */
export function referenceHash(event: Pdu, rules: RoomVersionRules): Uint8Array {
  const { signatures, unsigned, ...hashed } = redactEvent(event, rules);
  return sha256(encodeUtf8(encodeCanonicalJson(hashed)));
}
