import { decodeBase64, encodeBase64 } from 'federation-spec/encoding/base64.ts';

/** Writes an IndexedDB key as text, each key in one way only. https://w3c.github.io/IndexedDB/#key-construct */
export function encodeIndexedDbKey(key: IDBValidKey): string {
  return JSON.stringify(toTagged(key));
}

/** Reads what `encodeIndexedDbKey` wrote. Throws on anything else. */
export function decodeIndexedDbKey(text: string): IDBValidKey {
  return fromTagged(JSON.parse(text));
}

function toTagged(key: IDBValidKey): unknown[] {
  if (typeof key === 'string') return ['s', key];
  if (typeof key === 'number') return ['n', String(key)];
  if (key instanceof Date) return ['d', key.getTime()];
  if (Array.isArray(key)) return ['a', ...key.map(toTagged)];
  const bytes = ArrayBuffer.isView(key) ? new Uint8Array(key.buffer, key.byteOffset, key.byteLength) : new Uint8Array(key);
  return ['b', encodeBase64(bytes)];
}

function fromTagged(tagged: unknown): IDBValidKey {
  if (Array.isArray(tagged)) {
    const [tag, value] = tagged;
    if (tag === 's') return String(value);
    if (tag === 'n') return Number(value);
    if (tag === 'd') return new Date(Number(value));
    if (tag === 'a') return tagged.slice(1).map(fromTagged);
    const bytes = tag === 'b' ? decodeBase64(String(value)) : undefined;
    if (bytes !== undefined) return Uint8Array.from(bytes).buffer;
  }
  throw new Error('A stored key cannot be read; the file is damaged');
}
