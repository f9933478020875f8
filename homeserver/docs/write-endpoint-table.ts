import { readFile, writeFile } from 'node:fs/promises';
import { README, withEndpointTable } from './endpoint-table.ts';

// `npm run docs`: brings the table of endpoints in the README of federation-spec up to date.
const before = await readFile(README, 'utf8');
const after = await withEndpointTable(before);
await writeFile(README, after);
console.log(before === after ? 'The table of endpoints was up to date.' : 'The table of endpoints is up to date again.');
