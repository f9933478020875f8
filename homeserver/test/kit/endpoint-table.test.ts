import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { README, withEndpointTable } from '../../docs/endpoint-table.ts';

test('the table of endpoints says what the homeserver serves (npm run docs brings it up to date)', async () => {
  const readme = await readFile(README, 'utf8');
  expect(readme).toBe(await withEndpointTable(readme));
});
