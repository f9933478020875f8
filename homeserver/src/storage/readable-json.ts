import type { Sql } from './database.ts';

/**
 * The text of the event `e` as JSON in which the database can look something up. It refuses to read anything of a text that holds NUL,
 * which what people say may: that character is replaced. And as json, not jsonb, which refuses numbers that are too large.
 */
export const readableJson = (sql: Sql) => sql`replace(e.json, '\\u0000', '\\ufffd')::json`;
