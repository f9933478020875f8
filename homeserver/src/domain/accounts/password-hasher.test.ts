import { expect, test } from 'vitest';
import { createPasswordHasher } from './password-hasher.ts';

test('more passwords than can wait are told to come back; those that wait are answered', async () => {
  await using hasher = createPasswordHasher({ cost: 4 });
  const answers = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => hasher.hash(`password ${i}`)));
  const refused = answers.filter((answer) => answer.status === 'rejected');
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThan(100 - 64);
  for (const { reason } of refused) expect(reason).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED', status: 429 });
});

test('the main loop goes on while a password is hashed', async () => {
  await using hasher = createPasswordHasher({ cost: 10 });
  let turns = 0;
  const hashing = hasher.hash('slow');
  const timer = setInterval(() => (turns += 1), 1);
  await hashing;
  clearInterval(timer);
  expect(turns).toBeGreaterThan(5);
});

test('S53: without a stored hash nothing matches, and the work is done all the same', async () => {
  await using hasher = createPasswordHasher({ cost: 4 });
  expect(await hasher.compare('nobody has this password', undefined)).toBe(false);
  const hash = await hasher.hash('right');
  expect(await hasher.compare('right', hash)).toBe(true);
  expect(await hasher.compare('wrong', hash)).toBe(false);
});
