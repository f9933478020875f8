import type { Clock } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Database } from '../../storage/database.ts';
import { listRoomsAfter } from '../../storage/purge.ts';
import type { HotRooms } from './hot-rooms.ts';
import type { PurgeHistory } from './purge-history.ts';
import type { RetentionPolicies } from './retention-policies.ts';

/** How often rooms are looked through for what has had its time. */
const EVERY_MS = 3_600_000;
/** Rooms looked at by one query. */
const PAGE = 1_000;

type Deps = {
  database: Database;
  rooms: HotRooms;
  purgeHistory: PurgeHistory;
  retention: RetentionPolicies;
  clock: Clock;
  logger: Logger;
};

/**
 * Deletes what was said longer ago than its room keeps it; it has been shown to nobody since its time was over. Off unless the operator
 * wants it, since nobody gets it back. https://github.com/matrix-org/matrix-spec-proposals/pull/1763
 */
export function createRetention({ database, rooms, purgeHistory, retention, clock, logger }: Deps): { stop: () => Promise<void> } {
  const { isEnabled } = retention.settings;
  let isStopping = false;
  let running: Promise<void> = Promise.resolve();

  async function purge(roomNid: number, roomId: string): Promise<void> {
    const lifetime = retention.lifetimeOf(roomNid);
    const room = lifetime === undefined ? undefined : await rooms.loadByNid(roomNid);
    if (lifetime === undefined || room === undefined) return;
    const deleted = await purgeHistory(room, { beforeTs: clock.now() - lifetime }, { remoteOnly: false });
    if (deleted > 0) logger.info({ roomId, deleted }, 'what a room keeps no longer was deleted');
  }

  async function round(): Promise<void> {
    let page = await listRoomsAfter(database.sql, 0, PAGE);
    while (page.length > 0) {
      for (const { roomNid, roomId } of page) {
        if (isStopping) return;
        await purge(roomNid, roomId);
      }
      page = await listRoomsAfter(database.sql, page.at(-1)?.roomNid ?? 0, PAGE);
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
