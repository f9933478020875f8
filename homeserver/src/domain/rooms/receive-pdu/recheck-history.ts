import { listPrevEventIds } from 'federation-spec/events/edges.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { BackwardExtremity } from '../../../storage/backward-extremities.ts';
import type { Database } from '../../../storage/database.ts';
import type { StoredEvent } from '../../../storage/events.ts';
import { deleteSearchEntries } from '../../../storage/search.ts';
import { insertStateDeltas } from '../../../storage/state.ts';
import { listStatelessHistory, settleHistory } from '../../../storage/stateless-history.ts';
import { listEventsFrom } from '../../../storage/timeline.ts';
import type { Log } from '../../streams/log.ts';
import type { HotRoom } from '../hot-room.ts';
import { readPdu } from '../read-pdu.ts';
import type { FindHistoryStates } from './history-states.ts';
import { layStates } from './lay-states.ts';

/** How many events are checked at a time, and how many times that. */
const LOT = 100;
const MAX_LOTS = 50;
/** How many events right above a lot are looked at for those that build upon it. */
const MAX_ABOVE = 20;

/** Finds the states before events that came by backfill while the room's state was not whole, and rejects what these do not allow. */
export type RecheckHistory = (room: HotRoom, origin: string) => Promise<void>;

type Deps = { database: Database; log: Pick<Log, 'append'>; findHistoryStates: FindHistoryStates; logger: Logger };

/** The newest first, so that each lot has its states from what is above it, as when it is backfilled into a room that is whole. */
export function createRecheckHistory({ database, log, findHistoryStates, logger }: Deps): RecheckHistory {
  const { sql } = database;

  /** What of the lot events above it build upon. */
  async function listExtremities(room: HotRoom, newest: StoredEvent): Promise<BackwardExtremity[]> {
    const from = { topological: newest.topological, eventNid: newest.eventNid };
    const above = await listEventsFrom(sql, { roomNid: room.nid, from, direction: 'forwards', limit: MAX_ABOVE });
    return above.flatMap(({ json, topological }) => listPrevEventIds(readPdu(json)).map((eventId) => ({ eventId, topological })));
  }

  async function settle(room: HotRoom, origin: string, lot: readonly StoredEvent[], newest: StoredEvent): Promise<void> {
    const events = lot.map((row) => ({ event: readPdu(row.json), row })).reverse();
    const { before, refused } = await findHistoryStates(room, { origin, events, extremities: await listExtremities(room, newest) });
    const settled = lot.flatMap((row) => {
      const reason = refused.get(row.eventId);
      if (reason !== undefined) logger.info({ roomId: room.roomId, eventId: row.eventId, reason }, 'an event of history is taken out');
      return before.has(row.eventId) ? [{ ...row, ...(reason === undefined ? {} : { kind: 'rejected' as const, reason }) }] : [];
    });
    const rejected = settled.filter((row) => row.kind === 'rejected').map((row) => row.eventNid);
    await room.turns.take(async () => {
      await sql.begin(async (tx) => {
        const deltas = await layStates(tx, settled, before);
        await settleHistory(tx, settled);
        await insertStateDeltas(tx, deltas);
        await deleteSearchEntries(tx, rejected);
      });
    });
  }

  return async (room, origin) => {
    let below = Number.MAX_SAFE_INTEGER;
    for (let lots = 0; lots < MAX_LOTS; lots += 1) {
      const lot = await listStatelessHistory(sql, room.nid, { below, limit: LOT });
      const [newest, oldest] = [lot[0], lot.at(-1)];
      if (newest === undefined || oldest === undefined) break;
      await settle(room, origin, lot, newest);
      below = oldest.topological;
    }
    await log.append({ rows: [{ write: async () => undefined, wakes: { history: [room.nid] } }] });
  };
}
