import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { buildCoverage } from './coverage.ts';

// `npm run coverage`, after `npm test`: writes which tests call which operation, and fails when one is called by none.
const { table, untested } = await buildCoverage();
await writeFile(fileURLToPath(new URL('./coverage.md', import.meta.url)), table);
console.log(untested.length === 0 ? 'Every operation is called by a test.' : `No test calls ${untested.join(', ')}.`);
process.exitCode = untested.length === 0 ? 0 : 1;
