import { describe, expect, test } from 'vitest';
import { readVectors } from './kit/read-vectors.ts';
import { listRuleVectorCases, RULE_VECTOR_FILES } from './kit/rule-vector-cases.ts';

describe.each(RULE_VECTOR_FILES)('%s', (name) => {
  test.each(listRuleVectorCases(name, readVectors(name)))('$shows', async ({ run }) => {
    const { actual, expected } = await run();
    expect(actual).toEqual(expected);
  });
});
