import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkCanonicalJson } from '../src/canonical-json/check-canonical-json.ts';
import { encodeCanonicalJson } from '../src/canonical-json/encode-canonical-json.ts';
import { exactNumber, integerOf, numberOf } from '../src/canonical-json/exact-number.ts';
import { formatFloat } from '../src/canonical-json/format-number.ts';
import { MAX_IRREGULARITIES } from '../src/canonical-json/limits.ts';
import { readJson } from '../src/canonical-json/read-json.ts';
import { encodeUtf8, utf8Length } from '../src/encoding/utf8.ts';
import { isJsonObject } from '../src/events/event.ts';
import { canonicalObject, canonicalValue } from './kit/arbitrary-events.ts';

describe('canonical JSON', () => {
  test('is a fixed point: read and encoded again it stays as it is', () => {
    fc.assert(
      fc.property(canonicalValue, (value) => {
        const encoded = encodeCanonicalJson(value);
        const read = readJson(encodeUtf8(encoded));
        expect(read).toMatchObject({ ok: true });
        if (!read.ok) return;
        expect(read.irregularities.filter(({ kind }) => kind !== 'nul')).toEqual([]);
        expect(encodeCanonicalJson(read.value)).toBe(encoded);
        expect(JSON.parse(encoded)).toEqual(read.value);
      }),
    );
  });

  test('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(canonicalObject, (object) => {
        const reversed = Object.fromEntries(Object.entries(object).reverse());
        expect(encodeCanonicalJson(reversed)).toBe(encodeCanonicalJson(object));
      }),
    );
  });

  test('sorts keys as their bytes in UTF-8 sort', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' })), (keys) => {
        const encoded = encodeCanonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
        const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(encoded).toBe(`{${byBytes.map((key) => `${JSON.stringify(key)}:0`).join(',')}}`);
      }),
    );
  });

  test('leaves out keys without a value and refuses what JSON cannot say', () => {
    expect(encodeCanonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, () => 1, Symbol('x'), [undefined]]) {
      expect(() => encodeCanonicalJson(value)).toThrow(TypeError);
    }
  });

  test('writes floats so that they read back as themselves', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(formatFloat(value))).toBe(value);
        expect(formatFloat(value)).toMatch(/[.e]/);
      }),
    );
  });
});

describe('reading JSON', () => {
  test('agrees with JSON.parse on what is JSON and on its value', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string(), fc.json().chain(damaged)), (text) => {
        const read = readJson(encodeUtf8(text.toWellFormed()));
        const parsed = parseOrUndefined(text.toWellFormed());
        expect(read.ok).toBe(parsed !== undefined);
        if (read.ok) expect(read.value).toEqual(parsed);
      }),
      { numRuns: 1_000 },
    );
  });

  test('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof readJson(bytes).ok).toBe('boolean');
      }),
    );
  });

  test('gives up on a document that is nothing but irregularities', () => {
    const zeros = `[${'-0,'.repeat(MAX_IRREGULARITIES + 1)}0]`;
    expect(readJson(encodeUtf8(zeros)).ok).toBe(false);
  });

  test('says in which event of a transaction an irregularity is', () => {
    const read = readJson(encodeUtf8('{"pdus":[{},{"content":{"a":{"b":[1.5]}}}]}'));
    expect(read).toMatchObject({ ok: true, irregularities: [{ kind: 'float', path: ['pdus', 1, 'content', 'a'] }] });
  });

  test('keeps a key named __proto__ as a property and the prototype as it was', () => {
    const read = readJson(encodeUtf8('{"__proto__":{"isAdmin":true}}'));
    if (!read.ok || !isJsonObject(read.value)) throw new Error('it is an object');
    expect(Object.hasOwn(read.value, '__proto__')).toBe(true);
    expect(read.value['isAdmin']).toBeUndefined();
    expect(Reflect.get({}, 'isAdmin')).toBeUndefined();
  });

  test('keeps exact numbers, which encode as they were and read as numbers', () => {
    const read = readJson(encodeUtf8('{"a":1.0,"b":9223372036854775807,"c":7}'), { numbers: 'exact' });
    if (!read.ok) throw new Error(read.reason);
    expect(encodeCanonicalJson(read.value)).toBe('{"a":1.0,"b":9223372036854775807,"c":7}');
    expect(JSON.stringify(read.value)).toBe('{"a":1.0,"b":9223372036854775807,"c":7}');
    expect(Math.max(Number(exactNumber('12.5')), 3)).toBe(12.5);
    expect([exactNumber('1.0'), exactNumber('123'), 7, 'x', {}].map(numberOf)).toEqual([1, 123, 7, undefined, undefined]);
    expect([exactNumber('1.0'), exactNumber('-123'), 7, 7.5, '7', {}].map(integerOf)).toEqual([
      undefined,
      -123n,
      7n,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

test('the length in UTF-8 is the number of bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(utf8Length(text)).toBe(encodeUtf8(text).length);
    }),
  );
});

test('a value nested without end is refused, not a stack overflow', () => {
  let value: unknown = [];
  for (let i = 0; i < 100_000; i++) value = [value];
  expect(checkCanonicalJson(value, { numbers: 'any' }).allowed).toBe(false);
});

/** The text with one character taken out, put in or doubled. */
function damaged(text: string): fc.Arbitrary<string> {
  return fc
    .tuple(fc.nat(text.length), fc.constantFrom('', '"', '\\', ',', '{', '}', '0', '-', '.', 'e', '\u0000', ' '))
    .map(([at, put]) => {
      return text.slice(0, at) + put + text.slice(at + (put === '' ? 1 : 0));
    });
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
