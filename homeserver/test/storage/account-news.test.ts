import { expect, test } from 'vitest';
import { announceAccountChange, listenForAccountChanges } from '../../src/storage/account-news.ts';
import { openPool } from '../../src/storage/database.ts';
import { createTestDatabase } from '../kit/shared-postgres.ts';

test('who listens hears of the accounts that another process changed', async () => {
  await using database = await createTestDatabase();
  const [running, command] = [openPool(database.address), openPool(database.address, { maxConnections: 1 })];
  try {
    const heard: number[] = [];
    await listenForAccountChanges(running, (userNid) => heard.push(userNid));
    await announceAccountChange(command, 7);
    await expect.poll(() => heard, { timeout: 10_000 }).toEqual([7]);
  } finally {
    await Promise.all([running.end(), command.end()]);
  }
});

test('a start that was given up before anybody listened is no fault of its own', async () => {
  await using database = await createTestDatabase();
  const pool = openPool(database.address);
  const listening = listenForAccountChanges(pool, () => undefined);
  await pool.end({ timeout: 0 });
  await expect(listening).resolves.toBeUndefined();
});
