import type { Logger } from '../../platform/logger.ts';
import { listBackwardExtremities } from '../../storage/backward-extremities.ts';
import type { Database } from '../../storage/database.ts';
import type { HotRoom } from '../rooms/hot-room.ts';
import type { FetchHistory } from '../rooms/read-room.ts';
import { checkPdus } from '../rooms/receive-pdu/check-pdu.ts';
import type { FindServerKey } from '../rooms/receive-pdu/room-peers.ts';
import type { StoreBackfilled } from '../rooms/receive-pdu/store-backfilled.ts';
import type { HistoryPeer } from './room-peers.ts';

/** Most servers that are asked for one page. */
const MAX_SERVERS = 3;
const MAX_EXTREMITIES = 10;
const MIN_EVENTS = 20;
const MAX_EVENTS = 100;

type Deps = {
  database: Database;
  peer: HistoryPeer;
  findServerKey: FindServerKey;
  storeBackfilled: StoreBackfilled;
  serverName: string;
  logger: Logger;
};

/** Asks the room's other servers for what came before. https://spec.matrix.org/latest/server-server-api/#backfilling-and-retrieving-missing-events */
export function createFetchHistory({ database, peer, findServerKey, storeBackfilled, serverName, logger }: Deps): FetchHistory {
  const underWay = new Map<number, Promise<boolean>>();

  async function fetchOnce(room: HotRoom, limit: number): Promise<boolean> {
    const extremities = await listBackwardExtremities(database.sql, room.nid, MAX_EXTREMITIES);
    if (extremities.length === 0) return false;
    const ids = extremities.map((extremity) => extremity.eventId);
    const count = Math.min(MAX_EVENTS, Math.max(MIN_EVENTS, limit));
    for (const origin of listServers(room)) {
      try {
        const values = await peer.backfill(origin, room.roomId, ids, count);
        const pdus = await checkPdus(values.slice(0, MAX_EVENTS), room, findServerKey);
        if ((await storeBackfilled(room, { origin, pdus, extremities })) > 0) return true;
      } catch (error) {
        logger.info({ origin, roomId: room.roomId, err: error }, 'a server could not give earlier events');
      }
    }
    return false;
  }

  /** Those with most members first: they are likeliest to have been there longest. */
  function listServers(room: HotRoom): string[] {
    const others = [...room.joinedServers].filter(([server]) => server !== serverName);
    return others
      .sort((a, b) => b[1] - a[1])
      .slice(0, MAX_SERVERS)
      .map(([server]) => server);
  }

  return async (room, limit) => {
    const fetching = underWay.get(room.nid) ?? fetchOnce(room, limit).finally(() => underWay.delete(room.nid));
    underWay.set(room.nid, fetching);
    return await fetching;
  };
}
