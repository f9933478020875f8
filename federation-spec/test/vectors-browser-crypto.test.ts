import { describe, expect, test, vi } from 'vitest';
import { readVectors } from './kit/read-vectors.ts';
import { listVectorCases, VECTOR_FILES } from './kit/vector-cases.ts';

vi.mock('#crypto', async () => await import('../src/crypto/browser.ts'));

describe.each(VECTOR_FILES)('%s on the crypto of browsers', (name) => {
  test.each(listVectorCases(name, readVectors(name)))('$shows', async ({ run }) => {
    const { actual, expected } = await run();
    expect(actual).toEqual(expected);
  });
});
