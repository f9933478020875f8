import { LRUCache } from 'lru-cache';
import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { type BackwardExtremity, listBackwardExtremities } from '../../storage/backward-extremities.ts';
import type { Database } from '../../storage/database.ts';
import type { FetchHistory } from '../rooms/fetch-history.ts';
import { isOnSameSide } from '../rooms/gap-place.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import { checkPdus } from '../rooms/receive-pdu/check-pdu.ts';
import { askedBy, type FindServerKey } from '../rooms/receive-pdu/room-peers.ts';
import type { StoreBackfilled } from '../rooms/receive-pdu/store-backfilled.ts';
import type { IsUnreachable } from './circuit-breaker.ts';
import type { HistoryPeer } from './room-peers.ts';

/** Most servers that are asked for one page. */
const MAX_SERVERS = 3;
const MAX_EXTREMITIES = 10;
const MIN_EVENTS = 20;
const MAX_EVENTS = 100;
/** What could not be had is not asked for again so soon. */
const RETRY_AFTER_MS = 10_000;
const MAX_REMEMBERED_FAILURES = 10_000;

type Deps = {
  database: Database;
  peer: HistoryPeer;
  findServerKey: FindServerKey;
  storeBackfilled: StoreBackfilled;
  isUnreachable: IsUnreachable;
  serverName: string;
  clock: Clock;
  logger: Logger;
};

/** Asks the room's other servers for what came before. https://spec.matrix.org/latest/server-server-api/#backfilling-and-retrieving-missing-events */
export function createFetchHistory({
  database,
  peer,
  findServerKey,
  storeBackfilled,
  isUnreachable,
  serverName,
  clock,
  logger,
}: Deps): FetchHistory {
  const underWay = new Map<string, Promise<boolean>>();
  const failures = new LRUCache<string, number>({ max: MAX_REMEMBERED_FAILURES });

  async function fetchOnce(room: HotRoom, extremities: readonly BackwardExtremity[], limit: number): Promise<boolean> {
    const ids = extremities.map((extremity) => extremity.eventId);
    const count = Math.min(MAX_EVENTS, Math.max(MIN_EVENTS, limit));
    for (const origin of listServers(room)) {
      try {
        const values = await peer.backfill(origin, room.roomId, ids, count);
        const pdus = await checkPdus(values.slice(0, MAX_EVENTS), room, askedBy(origin, findServerKey));
        if ((await storeBackfilled(room, { origin, pdus, extremities })) > 0) return true;
      } catch (error) {
        logger.info({ origin, roomId: room.roomId, err: error }, 'a server could not give earlier events');
      }
    }
    for (const id of ids) failures.set(id, clock.now());
    return false;
  }

  /** Those with most members first: they are likeliest to have been there longest. Who is known not to answer is asked last. */
  function listServers(room: HotRoom): string[] {
    const others = [...room.joinedServers].filter(([server]) => server !== serverName);
    return others
      .map(([server, members]) => ({ server, members, isUnreachable: isUnreachable(server) }))
      .sort((a, b) => Number(a.isUnreachable) - Number(b.isUnreachable) || b.members - a.members)
      .slice(0, MAX_SERVERS)
      .map(({ server }) => server);
  }

  return async (room, { from, downTo, limit }) => {
    if (listServers(room).length === 0) return false;
    const known = await listBackwardExtremities(database.sql, room.nid, { from, downTo, limit: MAX_EXTREMITIES });
    const open = known.filter(({ eventId }) => Math.abs(clock.now() - (failures.get(eventId) ?? -RETRY_AFTER_MS)) >= RETRY_AFTER_MS);
    const [first] = open;
    if (first === undefined) return false;
    // What comes is put below the lowest of them: they must stand in one gap.
    const extremities = open.filter(({ topological }) => isOnSameSide(first.topological, topological));
    const key = `${room.nid} ${first.eventId}`;
    const fetching = underWay.get(key) ?? fetchOnce(room, extremities, limit).finally(() => underWay.delete(key));
    underWay.set(key, fetching);
    return await fetching;
  };
}
