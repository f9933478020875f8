import { describe, expect, test } from 'vitest';
import { readVectors } from './kit/read-vectors.ts';
import { listVectorCases, VECTOR_FILES } from './kit/vector-cases.ts';

describe.each(VECTOR_FILES)('%s', (name) => {
  test.each(listVectorCases(name, readVectors(name)))('$shows', async ({ run }) => {
    const { actual, expected } = await run();
    expect(actual).toEqual(expected);
  });
});
