import { encodeCanonicalJson } from '../canonical-json/encode-canonical-json.ts';
import { encodeUtf8 } from '../encoding/utf8.ts';

/** The bytes that a signature over a JSON object covers: its canonical JSON without `signatures` and `unsigned`. */
export function signableBytes(object: object): Uint8Array {
  const { signatures, unsigned, ...signed } = object as { signatures?: unknown; unsigned?: unknown };
  return encodeUtf8(encodeCanonicalJson(signed));
}
