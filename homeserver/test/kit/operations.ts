import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** One file for each test file, replaced whenever that one runs. */
const RECORDS = join(ROOT, '.cache', 'operations');
/** Who only asks without a token has not called it, and what fails is no answer. What is always refused, as text messages are, is called by being refused. */
const UNAUTHORIZED = 401;
const FIRST_FAULT = 500;

export type OperationRecord = { file: string; operations: string[] };

const answered = new Set<string>();

/** Notes an operation that a server of the test kit answered. */
export function noteAnswer({ operation, path, status }: { operation: string; path: string; status: number }): void {
  if (status !== UNAUTHORIZED && status < FIRST_FAULT) answered.add(operationName(operation, path));
}

/** Some operations of clients and of servers have one name. */
export function operationName(operation: string, path: string): string {
  return path.startsWith('/_matrix/federation/') ? `${operation} (of servers)` : operation;
}

/** Writes down what the servers of a test file answered. */
export async function writeOperations(testFile: string): Promise<void> {
  const record: OperationRecord = { file: relative(ROOT, testFile), operations: [...answered].sort() };
  await mkdir(RECORDS, { recursive: true });
  const name = createHash('sha256').update(record.file).digest('hex').slice(0, 16);
  await writeFile(join(RECORDS, `${name}.json`), JSON.stringify(record));
}

/** What is written down of all test files that ran since the folder was made. */
export async function readOperations(): Promise<OperationRecord[]> {
  const files = await readdir(RECORDS).catch(() => []);
  return await Promise.all(files.map(async (file) => JSON.parse(await readFile(join(RECORDS, file), 'utf8')) as OperationRecord));
}
