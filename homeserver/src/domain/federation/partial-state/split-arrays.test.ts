import { expect, test } from 'vitest';
import { splitArrays } from './split-arrays.ts';

const LIMITS = { maxBytes: 10_000, maxElementBytes: 1_000 };

async function* inPieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let start = 0; start < bytes.length; start += size) yield bytes.slice(start, start + size);
}

async function split(text: string, size: number, limits = LIMITS): Promise<[string, unknown][]> {
  const found: [string, unknown][] = [];
  for await (const { name, json } of splitArrays(inPieces(text, size), ['pdus', 'auth_chain'], limits)) {
    found.push([name, JSON.parse(new TextDecoder().decode(json))]);
  }
  return found;
}

const odd = { body: 'a "quoted" \\ {brace} [bracket] é', deep: { pdus: [{ no: 1 }], list: [[{}]] } };
const document = {
  origin: 'pdus',
  other: [{ skipped: true }],
  pdus: [odd, { n: 2 }, {}],
  nested: { pdus: [{ no: 3 }] },
  auth_chain: [{ n: 4 }],
};

test.each([1, 2, 3, 7, 64, 10_000])('elements come whole, whatever pieces of %i bytes they arrive in', async (size) => {
  expect(await split(JSON.stringify(document, undefined, 1), size)).toEqual([
    ['pdus', odd],
    ['pdus', { n: 2 }],
    ['pdus', {}],
    ['auth_chain', { n: 4 }],
  ]);
});

test('what breaks off, or is too long, is an error', async () => {
  await expect(split('{"pdus":[{"a":1}', 5)).rejects.toThrow('breaks off');
  await expect(split('', 5)).rejects.toThrow('breaks off');
  await expect(split(JSON.stringify({ pdus: [{ long: 'x'.repeat(2_000) }] }), 100)).rejects.toThrow('an element');
  await expect(split(JSON.stringify({ pdus: Array(2_000).fill({ a: 1 }) }), 100)).rejects.toThrow('longer than 10000');
});
