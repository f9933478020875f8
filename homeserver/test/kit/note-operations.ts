import { afterAll, expect } from 'vitest';
import { writeOperations } from './operations.ts';

// Runs with every test file; what is registered first is called last, when the file's servers are gone.
afterAll(async () => {
  const { testPath } = expect.getState();
  if (testPath !== undefined) await writeOperations(testPath);
});
