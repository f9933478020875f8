import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { Pdu } from 'federation-spec/events/event.ts';
import { type BackwardExtremity, findBackwardExtremity } from '../../../storage/backward-extremities.ts';
import type { Sql } from '../../../storage/database.ts';
import { listEventsById } from '../../../storage/events.ts';
import type { HotRoom } from '../hot-room.ts';
import { readPdu } from '../read-pdu.ts';
import type { CheckedPdu } from './check-pdu.ts';

/** How many events that are kept from the room are followed to what they build upon. */
const MAX_FOLLOWED = 200;

/** How an event hangs together with what is here. */
export type GraphEdges = {
  /** What it builds upon and is not here, or only by itself, as an outlier. */
  missing: string[];
  /** Set when events that are here build upon it: it is no head of the room. */
  awaited: BackwardExtremity | undefined;
  /** What it leaves behind: what it builds upon, directly or by way of events that are kept from the room. None of it is a head any more. */
  covered: ReadonlySet<string>;
};

/** The edges of an event that builds upon the heads and nothing else. */
export function onHeads(event: Pdu): GraphEdges {
  return { missing: [], awaited: undefined, covered: new Set(listPrevEventIds(event)) };
}

/** The edges of any other event. What was appended to the log must be committed. */
export async function findGraphEdges(sql: Sql, room: HotRoom, { event, eventId }: CheckedPdu): Promise<GraphEdges> {
  const covered = new Set(listPrevEventIds(event));
  let missing: string[] | undefined;
  let next = [...covered];
  for (let followed = 0; next.length > 0 && followed < MAX_FOLLOWED; followed += next.length) {
    const stored = (await listEventsById(sql, next)).filter((row) => row.roomNid === room.nid);
    const isHere = new Set(stored.filter((row) => row.kind !== 'outlier').map((row) => row.eventId));
    missing ??= next.filter((id) => !isHere.has(id));
    const keptAway = stored.filter((row) => row.kind === 'rejected' || row.kind === 'soft_failed');
    next = [...new Set(keptAway.flatMap((row) => listPrevEventIds(readPdu(row.json))))].filter((id) => !covered.has(id));
    for (const id of next) covered.add(id);
  }
  return { missing: missing ?? [], awaited: await findBackwardExtremity(sql, room.nid, eventId), covered };
}
