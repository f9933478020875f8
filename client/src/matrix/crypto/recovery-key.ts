const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const PREFIX = [0x8b, 0x01];
const KEY_BYTES = 32;
const GROUP = 4;

/** 32 bytes as people write them down: base58 in groups of four, with a prefix and a parity byte. https://spec.matrix.org/latest/appendices/#cryptographic-key-representation */
export function encodeRecoveryKey(key: Uint8Array): string {
  const bytes = [...PREFIX, ...key];
  const text = encodeBase58([...bytes, parityOf(bytes)]);
  return (text.match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? []).join(' ');
}

/** Reads a recovery key; nothing when it was mistyped. */
export function decodeRecoveryKey(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = decodeBase58(text.replace(/\s/g, ''));
  if (bytes === undefined || bytes.length !== PREFIX.length + KEY_BYTES + 1) return undefined;
  const hasPrefix = PREFIX.every((byte, at) => bytes[at] === byte);
  return hasPrefix && parityOf(bytes) === 0 ? new Uint8Array(bytes.slice(PREFIX.length, -1)) : undefined;
}

function parityOf(bytes: readonly number[]): number {
  return bytes.reduce((parity, byte) => parity ^ byte, 0);
}

function encodeBase58(bytes: readonly number[]): string {
  let value = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let text = '';
  while (value > 0n) {
    text = ALPHABET.charAt(Number(value % 58n)) + text;
    value /= 58n;
  }
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return '1'.repeat(Math.max(0, zeros)) + text;
}

function decodeBase58(text: string): number[] | undefined {
  let value = 0n;
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return undefined;
    value = value * 58n + BigInt(digit);
  }
  const bytes: number[] = [];
  while (value > 0n) {
    bytes.unshift(Number(value % 256n));
    value /= 256n;
  }
  const zeros = [...text].findIndex((character) => character !== '1');
  return [...new Array<number>(Math.max(0, zeros)).fill(0), ...bytes];
}
