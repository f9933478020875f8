import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endpointsByApi } from 'federation-spec/api/all-endpoints.ts';
import { type OperationRecord, operationName, readOperations } from '../test/kit/operations.ts';
import { startServer } from '../test/kit/start-server.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What calls everything says nothing about what it is for. */
const NOT_COUNTED = /\/(?:bad-input|hostile-state|unknown-endpoints)\./;
/** Most test files named for one operation. */
const MAX_NAMED = 5;

export type Coverage = { table: string; untested: string[] };

/** Which tests had which operation answered, of all that a homeserver serves. */
export async function buildCoverage(): Promise<Coverage> {
  const records = await listRecords();
  const lines: string[] = [];
  const untested: string[] = [];
  for (const id of await listServed()) {
    const files = records.filter(({ operations }) => operations.includes(id)).map(({ file }) => shortName(file));
    if (files.length === 0) untested.push(id);
    const more = files.length > MAX_NAMED ? ` and ${files.length - MAX_NAMED} more` : '';
    lines.push(`| ${id} | ${files.slice(0, MAX_NAMED).join(', ')}${more} |`);
  }
  const table = ['# Which tests call which operation', '', 'Written by `npm run coverage` after `npm test`.', ''];
  return { table: [...table, '| operation | tests |', '|---|---|', ...lines, ''].join('\n'), untested };
}

/** Records of test files that are there still. */
async function listRecords(): Promise<OperationRecord[]> {
  const records = (await readOperations()).filter(({ file }) => !NOT_COUNTED.test(file));
  const isThere = await Promise.all(
    records.map(({ file }) =>
      access(join(ROOT, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return records.filter((_record, index) => isThere[index]).sort((a, b) => (a.file < b.file ? -1 : 1));
}

async function listServed(): Promise<string[]> {
  const server = await startServer({ config: { registrationSecret: 'secret', guests: true } });
  try {
    const served = new Set(server.routes().map(({ endpoint }) => endpoint));
    const names = Object.values(endpointsByApi).flatMap((endpoints) =>
      endpoints.filter((endpoint) => served.has(endpoint)).map(({ id, path }) => operationName(id, path)),
    );
    return [...new Set(names)];
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

function shortName(file: string): string {
  return file.replace(/^homeserver\/test\//, '').replace(/\.test\.ts$/, '');
}
