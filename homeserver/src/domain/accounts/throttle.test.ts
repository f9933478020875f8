import { expect, test } from 'vitest';
import { createThrottle } from './throttle.ts';

test('a clock that is set back by an hour keeps nobody who failed once from the next try', () => {
  let now = 10_000_000;
  const throttle = createThrottle({ clock: { now: () => now }, burst: 3, forgiveMs: 10_000 });
  throttle.fail('romeo');
  now -= 3_600_000;
  expect(() => throttle.check('romeo')).not.toThrow();
  throttle.fail('romeo');
  throttle.fail('romeo');
  expect(() => throttle.check('romeo')).toThrow();
  now += 10_000;
  expect(() => throttle.check('romeo')).not.toThrow();
});
