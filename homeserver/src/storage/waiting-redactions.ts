import type { Sql } from './database.ts';

/** Remembers that a redaction came before what it redacts. */
export async function insertWaitingRedaction(sql: Sql, { targetId, eventNid }: { targetId: string; eventNid: number }): Promise<void> {
  await sql`insert into waiting_redactions (target_id, event_nid) values (${targetId}, ${eventNid}) on conflict do nothing`;
}

/** The accepted redactions that wait for these events, the first first. */
export async function listWaitingRedactions(
  sql: Sql,
  targetIds: readonly string[],
): Promise<{ targetId: string; eventNid: number; auth: number[]; json: string }[]> {
  if (targetIds.length === 0) return [];
  return await sql<{ targetId: string; eventNid: number; auth: number[]; json: string }[]>`
    select w.target_id as "targetId", w.event_nid as "eventNid", e.auth, e.json
    from   waiting_redactions w join events e using (event_nid)
    where  w.target_id = any(${[...targetIds]}::text[]) and e.kind < 2
    order  by w.event_nid`;
}

export async function deleteWaitingRedactions(sql: Sql, targetId: string): Promise<void> {
  await sql`delete from waiting_redactions where target_id = ${targetId}`;
}
