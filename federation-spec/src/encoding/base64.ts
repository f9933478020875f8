const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const NOT_A_DIGIT = 0xff;
const STANDARD_DIGITS = digitsOf(STANDARD);
const URL_SAFE_DIGITS = digitsOf(URL_SAFE);

/**
 * Bytes in unpadded base64.
 *
 * https://spec.matrix.org/latest/appendices/#unpadded-base64
 */
export function encodeBase64(bytes: Uint8Array): string {
  return encode(bytes, STANDARD);
}

/** Bytes from base64 of the standard alphabet, padded or not; `undefined` when it is none. Unused trailing bits are not looked at. */
export function decodeBase64(text: string): Uint8Array | undefined {
  return decode(text, STANDARD_DIGITS);
}

/**
 * Bytes in unpadded base64 of the URL-safe alphabet.
 *
 * https://spec.matrix.org/latest/appendices/#url-safe-unpadded-base64
 */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encode(bytes, URL_SAFE);
}

/** Bytes from base64 of the URL-safe alphabet, padded or not; `undefined` when it is none. */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  return decode(text, URL_SAFE_DIGITS);
}

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += alphabet.charAt(group >>> 18) + alphabet.charAt((group >>> 12) & 63);
    if (left > 1) text += alphabet.charAt((group >>> 6) & 63);
    if (left > 2) text += alphabet.charAt(group & 63);
  }
  return text;
}

function decode(text: string, digits: Uint8Array): Uint8Array | undefined {
  const length = lengthWithoutPadding(text);
  if (length === undefined) return undefined;
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let group = 0;
  let at = 0;
  for (let i = 0; i < length; i++) {
    const digit = digits[text.charCodeAt(i)] ?? NOT_A_DIGIT;
    if (digit === NOT_A_DIGIT) return undefined;
    group = (group << 6) | digit;
    const bitsHeld = ((i & 3) + 1) * 6;
    if (bitsHeld === 6) continue;
    bytes[at++] = (group >>> (bitsHeld === 12 ? 4 : bitsHeld === 18 ? 2 : 0)) & 0xff;
  }
  return bytes;
}

/** The number of digits before the padding, or `undefined` when no bytes encode to so many. */
function lengthWithoutPadding(text: string): number | undefined {
  let length = text.length;
  if (text.endsWith('=')) {
    if (length % 4 !== 0) return undefined;
    length -= text.endsWith('==') ? 2 : 1;
  }
  return length % 4 === 1 ? undefined : length;
}

function digitsOf(alphabet: string): Uint8Array {
  const digits = new Uint8Array(128).fill(NOT_A_DIGIT);
  for (let i = 0; i < alphabet.length; i++) digits[alphabet.charCodeAt(i)] = i;
  return digits;
}
