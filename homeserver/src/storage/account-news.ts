import type { Pool, Sql } from './database.ts';

const CHANNEL = 'blinkchat_accounts';

/** Tells the running homeserver, when the transaction commits, that an account was changed from outside of it. */
export async function announceAccountChange(sql: Sql, userNid: number): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${String(userNid)})`;
}

/** Hears of accounts that were changed by another process. */
export async function listenForAccountChanges(pool: Pool, listener: (userNid: number) => void): Promise<void> {
  await pool.listen(CHANNEL, (payload) => listener(Number(payload)));
}
