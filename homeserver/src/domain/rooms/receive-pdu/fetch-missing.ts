import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { JsonObject } from 'federation-spec/events/event.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Sql } from '../../../storage/database.ts';
import { listEventsById } from '../../../storage/events.ts';
import type { HotRoom } from '../hot-room.ts';
import { hasState } from '../learn-standing.ts';
import { type CheckedPdu, checkPdus } from './check-pdu.ts';
import { askedBy, type FindServerKey, type RoomPeers } from './room-peers.ts';
import { sortByPrevs } from './sort-by-prevs.ts';

/** How many events are asked for at once. Many servers give fewer than they are asked for. */
const EVENTS_PER_ROUND = 100;
/** How many events that lie between ours and a new one are fetched, in how many rounds and for how long. A longer gap is bridged by a state. */
const MAX_GAP_EVENTS = 500;
const MAX_ROUNDS = 30;
const MAX_GAP_MS = 60_000;
/** How many ends of the gap are named in one question. */
const MAX_LATEST = 20;

/** The events before a new one that are not here, checked, each after those of them that it builds upon. */
export type FetchMissing = (room: HotRoom, origin: string, pdu: CheckedPdu) => Promise<CheckedPdu[]>;

type Deps = { sql: Sql; peers: Pick<RoomPeers, 'fetchMissing'>; findServerKey: FindServerKey; clock: Clock };

/**
 * Asks round by round, each time for what comes before what is still open, until the gap is closed, nothing new comes or a limit is reached.
 * Only what the new event builds upon, by way of the others, is taken, and nothing that lies behind what is here: a server may give more than
 * it was asked for, down to the beginning of a room of which we know a part. https://spec.matrix.org/latest/server-server-api/#backfilling-and-retrieving-missing-events
 */
export function createFetchMissing({ sql, peers, findServerKey, clock }: Deps): FetchMissing {
  /** Those of the ids whose events are not here, or only by themselves, as outliers. */
  async function listLacking(room: HotRoom, eventIds: readonly string[]): Promise<Set<string>> {
    const here = (await listEventsById(sql, eventIds)).filter((row) => row.roomNid === room.nid && hasState(row));
    const known = new Set(here.map((row) => row.eventId));
    return new Set(eventIds.filter((id) => !known.has(id)));
  }

  return async (room, origin, pdu) => {
    const earliest = room.heads.map((head) => head.eventId);
    const until = clock.now() + MAX_GAP_MS;
    const found = new Map<string, CheckedPdu>();
    let open = await listLacking(room, listPrevEventIds(pdu.event));
    let latest = [pdu.eventId];
    for (let round = 0; round < MAX_ROUNDS && open.size > 0 && found.size < MAX_GAP_EVENTS && clock.now() < until; round += 1) {
      const limit = Math.min(EVENTS_PER_ROUND, MAX_GAP_EVENTS - found.size);
      // A server that cannot tell may still know the state there, which is asked for next.
      const asked = peers.fetchMissing(origin, room.roomId, { earliest, latest, limit });
      const values = await asked.catch((): JsonObject[] => []);
      const good = await checkPdus(values.slice(0, limit), room, askedBy(origin, findServerKey));
      const lacking = await listLacking(
        room,
        good.map((entry) => entry.eventId),
      );
      const checked = new Map(good.filter((entry) => lacking.has(entry.eventId)).map((entry) => [entry.eventId, entry]));

      const fresh: CheckedPdu[] = [];
      let next = [...open];
      for (const id of next) {
        const entry = checked.get(id);
        if (entry === undefined || found.has(id)) continue;
        found.set(id, entry);
        fresh.push(entry);
        next.push(...listPrevEventIds(entry.event));
      }
      if (fresh.length === 0) break;
      next = [...new Set(next)].filter((id) => !found.has(id));
      open = await listLacking(room, next);
      const ends = [pdu, ...found.values()].filter(({ event }) => listPrevEventIds(event).some((id) => open.has(id)));
      latest = ends.slice(0, MAX_LATEST).map(({ eventId }) => eventId);
    }
    return sortByPrevs([...found.values()]);
  };
}
