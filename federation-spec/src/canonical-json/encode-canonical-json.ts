import { exactNumberText } from './exact-number.ts';
import { formatNumber } from './format-number.ts';

/**
 * The canonical JSON of a value: the shortest form, keys sorted by Unicode code point. UTF-8 encode it to hash or sign.
 *
 * Keys whose value is `undefined` are left out. Throws a `TypeError` on what JSON cannot say (functions, symbols, NaN, infinities).
 * It encodes what it is given: whether a value may be in an event at all is for `checkCanonicalJson`.
 *
 * https://spec.matrix.org/latest/appendices/#canonical-json
 */
export function encodeCanonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return encodeString(value);
    case 'number':
      return formatNumber(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      return value.toString();
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return encodeArray(value);
      return exactNumberText(value) ?? encodeObject(value);
    default:
      throw new TypeError(`Canonical JSON cannot hold a value of type ${typeof value}.`);
  }
}

function encodeArray(array: readonly unknown[]): string {
  let text = '[';
  for (let i = 0; i < array.length; i++) text += (i === 0 ? '' : ',') + encodeCanonicalJson(array[i]);
  return `${text}]`;
}

function encodeObject(object: object): string {
  const keys = sortKeys(Object.keys(object));
  let text = '{';
  for (const key of keys) {
    const value: unknown = Reflect.get(object, key);
    if (value === undefined) continue;
    text += `${(text.length === 1 ? '' : ',') + encodeString(key)}:${encodeCanonicalJson(value)}`;
  }
  return `${text}}`;
}

const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

/** `JSON.stringify` escapes exactly what the grammar wants escaped, in its form; most strings need nothing. */
function encodeString(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

const FIRST_SURROGATE = 0xd800;

/** Sorts in place. JavaScript compares UTF-16 units, which differs from code points only where a surrogate meets U+E000 to U+FFFF. */
function sortKeys(keys: string[]): string[] {
  if (keys.length < 2) return keys;
  keys.sort();
  return keys.some(hasUnitFromSurrogatesOn) ? keys.sort(compareCodePoints) : keys;
}

function hasUnitFromSurrogatesOn(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= FIRST_SURROGATE) return true;
  return false;
}

function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [unitA, unitB] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (unitA !== unitB) return (a.codePointAt(i) ?? 0) - (b.codePointAt(i) ?? 0);
  }
  return a.length - b.length;
}
