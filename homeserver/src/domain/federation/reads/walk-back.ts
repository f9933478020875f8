import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { Sql } from '../../../storage/database.ts';
import { listEventsById, type StoredEvent } from '../../../storage/events.ts';
import { listEventsFrom } from '../../../storage/timeline.ts';
import { readPdu } from '../../rooms/read-pdu.ts';

/** How many stretches of a room are read to find so many events that others build upon. */
const MAX_STRETCHES = 10;

/**
 * Some events of a room and what they build upon, directly or by way of others, the newest first. Nothing else of the room is among it:
 * what stands beside them on another branch, or was kept from the room and is built upon by nobody. What was kept from the room and is
 * built upon is, as nothing before it would be found otherwise: whoever asks judges it anew. Rejected events lead on, and are left out.
 *
 * Stretches are read in the room's own order, each from the newest of what is still open on.
 */
export async function walkBack(sql: Sql, roomNid: number, from: readonly string[], limit: number): Promise<StoredEvent[]> {
  const read = new Map<string, StoredEvent>();
  const found = new Map<string, StoredEvent>();
  const absent = new Set<string>();
  const keep = (events: readonly StoredEvent[]) => {
    for (const event of events) if (event.roomNid === roomNid && event.kind !== 'outlier') read.set(event.eventId, event);
  };

  /** Takes what is reached by way of events that were read; gives what is open. */
  function follow(ids: readonly string[]): string[] {
    const open = new Set<string>();
    const stack = [...ids];
    for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
      const event = read.get(id);
      if (event === undefined && !absent.has(id)) open.add(id);
      if (event === undefined || found.has(id)) continue;
      found.set(id, event);
      stack.push(...listPrevEventIds(readPdu(event.json)));
    }
    return [...open];
  }

  let open = [...from];
  let given: StoredEvent[] = [];
  for (let stretch = 0; stretch < MAX_STRETCHES && open.length > 0; stretch += 1) {
    keep(await listEventsById(sql, open));
    for (const id of open) if (!read.has(id)) absent.add(id);
    const newest = open.flatMap((id) => read.get(id) ?? []).sort(newestFirst)[0];
    const oldest = given[limit - 1];
    if (newest === undefined || (oldest !== undefined && newestFirst(oldest, newest) < 0)) break;
    const place = { topological: newest.topological, eventNid: newest.eventNid };
    if (oldest === undefined) keep(await listEventsFrom(sql, { roomNid, from: place, direction: 'backwards', limit }));
    open = follow(open);
    given = [...found.values()].filter((event) => event.kind !== 'rejected').sort(newestFirst);
  }
  return given.slice(0, limit);
}

function newestFirst(a: StoredEvent, b: StoredEvent): number {
  return b.topological - a.topological || b.eventNid - a.eventNid;
}
