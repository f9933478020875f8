import { expect, test } from 'vitest';
import { createOutlierBudget } from './outlier-budget.ts';

test('S32: a server gives so many events beside the timelines, then waits; another is not touched by it', () => {
  let now = 1_000_000;
  const take = createOutlierBudget({ clock: { now: () => now }, burst: 100 });
  take('a.test', 90);
  expect(() => take('a.test', 11)).toThrow('a.test gives 11 events');
  take('a.test', 10);
  take('b.test', 100);
  now += 1_000;
  take('a.test', 20);
  expect(() => take('a.test', 1)).toThrow('more than are kept');
  now += 3_600_000;
  take('a.test', 100);
  expect(() => take('a.test', 1)).toThrow('more than are kept');
});
