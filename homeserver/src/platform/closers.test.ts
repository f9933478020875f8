import { expect, test } from 'vitest';
import { createClosers } from './closers.ts';

test('what was opened last is closed first, and a failure does not keep the rest open', async () => {
  const closed: string[] = [];
  const closers = createClosers();
  closers.push(() => closed.push('database'));
  closers.push(async () => {
    throw new Error('the disk is gone');
  });
  closers.push(async () => closed.push('listener'));
  await expect(closers.closeAll()).rejects.toThrow('did not close in order: Error: the disk is gone');
  expect(closed).toEqual(['listener', 'database']);
  await expect(closers.closeAll()).resolves.toBeUndefined();
});
