import { encodeCanonicalJson } from '../canonical-json/encode-canonical-json.ts';
import { encodeUtf8 } from '../encoding/utf8.ts';

/** The bytes that a signature over a JSON object covers: its canonical JSON without `signatures` and `unsigned`. */
export function signableBytes(object: object): Uint8Array {
  const { signatures, unsigned, ...signed } = object as { signatures?: unknown; unsigned?: unknown };
  return encodeUtf8(encodeCanonicalJson(signed));
}

/** As `signableBytes`; `undefined` for an object that has no canonical JSON and so cannot have been signed. */
export function findSignableBytes(object: object): Uint8Array | undefined {
  try {
    return signableBytes(object);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined; // an infinity; nesting without end
    throw error;
  }
}
