import { expect, test } from 'vitest';
import { pickHeads } from './pick-heads.ts';
import type { Head } from './room-event.ts';

const head = (eventNid: number, topological: number): Head => ({
  eventNid,
  eventId: `$${eventNid}`,
  topological,
  depth: topological,
  reference: `$${eventNid}`,
});
const nidsOf = (heads: readonly Head[]) => heads.map(({ eventNid }) => eventNid);

test('few heads are all built upon', () => {
  const heads = [head(1, 5), head(2, 3)];
  expect(pickHeads(heads)).toEqual(heads);
});

test('forks from long ago, however many, do not take the place of the head with the longest history', () => {
  const main = head(1, 500);
  const old = Array.from({ length: 30 }, (_, n) => head(n + 2, 7));
  const picked = pickHeads([main, ...old]);
  expect(nidsOf(picked)).toEqual([1, 23, 24, 25, 26, 27, 28, 29, 30, 31]);
  expect(nidsOf(pickHeads([...old, main]))).toEqual([23, 24, 25, 26, 27, 28, 29, 30, 31, 1]);
});

test('where those were refused, another with a long history takes part', () => {
  const heads = [head(1, 500), head(2, 900), ...Array.from({ length: 12 }, (_, n) => head(n + 3, 7))];
  expect([pickHeads(heads, 0), pickHeads(heads, 1)].map((picked) => nidsOf(picked)[0])).toEqual([2, 1]);
});
