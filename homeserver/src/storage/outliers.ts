import type { Sql } from './database.ts';
import { kindNumber, type StoredEvent } from './events.ts';

/** Makes a stored outlier a soft-failed or rejected event, now that the state before it is known. */
export async function adoptOutlier(sql: Sql, event: StoredEvent): Promise<void> {
  await sql`
    update events
    set    kind = ${kindNumber(event.kind)}, topological = ${event.topological}, base_pos = ${event.basePos},
           base_snapshot = ${event.baseSnapshot}, reason = ${event.reason}
    where  event_nid = ${event.eventNid} and kind = 2`;
}
