import type { Pool, Sql } from './database.ts';
import { isPoolClosed } from './database-errors.ts';

const CHANNEL = 'blinkchat_accounts';

/** Tells the running homeserver, when the transaction commits, that an account was changed from outside of it. */
export async function announceAccountChange(sql: Sql, userNid: number): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${String(userNid)})`;
}

/** Hears of accounts that were changed by another process. A pool that is closed before it listens has nothing more to hear. */
export async function listenForAccountChanges(pool: Pool, listener: (userNid: number) => void): Promise<void> {
  try {
    await pool.listen(CHANNEL, (payload) => listener(Number(payload)));
  } catch (error) {
    if (!isPoolClosed(error)) throw error;
  }
}
