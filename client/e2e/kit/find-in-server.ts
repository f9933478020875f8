import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestServer } from 'homeserver/test/kit/start-server.ts';

/** Every place in a homeserver's database and data folder (its media among it) where the word stands, as `table` or file path. */
export async function findInServer(server: TestServer, word: string): Promise<string[]> {
  const [tables, files] = await Promise.all([findInTables(server, word), findInFiles(server.config.dataDir, word)]);
  return [...tables, ...files];
}

/** Searches the text form of every row, bytes columns as the characters they would spell. */
async function findInTables({ sql }: TestServer, word: string): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`select table_name as "name" from information_schema.tables where table_schema = 'public'`;
  const hex = Buffer.from(word).toString('hex');
  const found: string[] = [];
  for (const { name } of tables) {
    const rows =
      await sql`select 1 from ${sql(name)} as t where position(${word} in t::text) > 0 or position(${hex} in t::text) > 0 limit 1`;
    if (rows.length > 0) found.push(name);
  }
  return found;
}

async function findInFiles(folder: string, word: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readFile(path)).includes(word)) found.push(path);
  }
  return found;
}
