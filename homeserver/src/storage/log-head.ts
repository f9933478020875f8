import type { Sql } from './database.ts';

export type LogHead = { position: number; epoch: number };

/** Takes the log for this process: from here on, commits of any earlier process are refused. */
export async function takeLog(sql: Sql): Promise<LogHead> {
  const [head] = await sql<LogHead[]>`update log_head set epoch = epoch + 1 returning position, epoch`;
  if (head === undefined) throw new Error('the table log_head is empty: the database was not migrated');
  return head;
}

export async function loadLogHead(sql: Sql): Promise<LogHead> {
  const [head] = await sql<LogHead[]>`select position, epoch from log_head`;
  if (head === undefined) throw new Error('the table log_head is empty: the database was not migrated');
  return head;
}
