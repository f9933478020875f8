import { describe, expect, test, vi } from 'vitest';
import { readVectors } from './kit/read-vectors.ts';
import { listRuleVectorCases, RULE_VECTOR_FILES } from './kit/rule-vector-cases.ts';

vi.mock('#crypto', async () => await import('../src/crypto/browser.ts'));

describe.each(RULE_VECTOR_FILES)('%s on the crypto of browsers', (name) => {
  test.each(listRuleVectorCases(name, readVectors(name)))('$shows', async ({ run }) => {
    const { actual, expected } = await run();
    expect(actual).toEqual(expected);
  });
});
