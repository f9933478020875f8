import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { listRetainingRooms } from '../../storage/purge.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { PurgeHistory } from './purge-history.ts';
import { readPdu } from './read-pdu.ts';

/** How often rooms are looked through for what has had its time. */
const EVERY_MS = 3_600_000;

type Deps = { database: Database; rooms: HotRooms; purgeHistory: PurgeHistory; clock: Clock; logger: Logger; isEnabled: boolean };

/**
 * Deletes what was said longer ago than its room keeps it. Off unless the operator wants it, since nobody gets it back.
 * https://github.com/matrix-org/matrix-spec-proposals/pull/1763
 */
export function createRetention({ database, rooms, purgeHistory, clock, logger, isEnabled }: Deps): { stop: () => Promise<void> } {
  let isStopping = false;
  let running: Promise<void> = Promise.resolve();

  async function round(): Promise<void> {
    for (const { roomNid, roomId, json } of await listRetainingRooms(database.sql)) {
      if (isStopping) return;
      const lifetime: unknown = readPdu(json).content['max_lifetime'];
      if (typeof lifetime !== 'number' || !Number.isSafeInteger(lifetime) || lifetime < 0) continue;
      const room = await rooms.loadByNid(roomNid);
      if (room === undefined) continue;
      const deleted = await purgeHistory(room, { beforeTs: clock.now() - lifetime }, { remoteOnly: false });
      if (deleted > 0) logger.info({ roomId, deleted }, 'what a room keeps no longer was deleted');
    }
  }

  function begin(): void {
    running = running.then(round).catch((error: unknown) => logger.error({ err: error }, 'what rooms keep no longer could not be deleted'));
  }

  const timer = isEnabled ? setInterval(begin, EVERY_MS).unref() : undefined;
  if (isEnabled) begin();
  return {
    stop: async () => {
      isStopping = true;
      clearInterval(timer);
      await running;
    },
  };
}
