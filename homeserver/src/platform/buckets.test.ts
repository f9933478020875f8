import { expect, test } from 'vitest';
import { createBuckets } from './buckets.ts';

const HOUR_MS = 3_600_000;
const ALLOWANCE = { perSecond: 2, burst: 10 };

function start(maxBuckets = 100) {
  const clock = { at: 10 * HOUR_MS, now: () => clock.at };
  return { clock, take: createBuckets({ clock, maxBuckets }) };
}

test('a bucket gives what it holds, says when there is more, and fills up again', () => {
  const { clock, take } = start();
  expect(take('a', ALLOWANCE, 10)).toBe(0);
  expect(take('a', ALLOWANCE, 1)).toBe(500);
  expect(take('b', ALLOWANCE, 1)).toBe(0);
  clock.at += 500;
  expect(take('a', ALLOWANCE, 1)).toBe(0);
  clock.at += HOUR_MS;
  expect(take('a', ALLOWANCE, 11)).toBe(500);
  expect(take('a', ALLOWANCE, 10)).toBe(0);
});

test('a clock that is set back by an hour keeps nobody waiting for that hour', () => {
  const { clock, take } = start();
  take('a', ALLOWANCE, 10);
  clock.at -= HOUR_MS;
  expect(take('a', ALLOWANCE, 1)).toBe(500);
  clock.at += 500;
  expect(take('a', ALLOWANCE, 1)).toBe(0);
});

test('names that are made up, however long, do not grow without bound', () => {
  const { take } = start();
  take('x'.repeat(100_000), ALLOWANCE, 10);
  expect(take('x'.repeat(200_000), ALLOWANCE, 1)).toBeGreaterThan(0);
});
